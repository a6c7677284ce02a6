"""What holds for every test: none sees the counts of the one before, and what was there before the first stays out of its way."""

import os
import signal

import pytest
from hypothesis import settings

from selvage.testing import pytest_plugin
from tests.agreement._fresh import PATIENT, fresh_groups

__all__ = ["fresh_groups"]

# What CI runs is the same each time; whoever runs the tests at home looks a little further with each run.
settings.register_profile("same each time", PATIENT, derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same each time")


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Use the plugin of this very source, in environments made before it had its entry point, too."""
    if not pluginmanager.has_plugin("selvage"):
        pluginmanager.register(pytest_plugin, "selvage")


def pytest_configure() -> None:
    """Let the programs that tests start be interrupted: a shell that puts this run in the background has it ignore that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
