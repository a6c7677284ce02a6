"""Tests of selvage.failure."""
