"""Reactors as the transports' tests have them."""

from tests.transports.conftest import loop, reactor, reports, run

__all__ = ["loop", "reactor", "reports", "run"]
