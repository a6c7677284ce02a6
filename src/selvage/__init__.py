"""Selvage."""
