"""What holds for every test: none sees the counts of the one before, and what was there before the first stays out of its way."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from selvage.failure import forget
from selvage.testing import pytest_plugin

# What CI runs is the same each time; whoever runs the tests at home looks a little further with each run.
# Neither fails for being slow: that says more of the machine than of what is tested.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", _PATIENT)
settings.register_profile("same each time", _PATIENT, derandomize=True)
settings.load_profile("same each time" if os.environ.get("CI") else "patient")


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Use the plugin of this very source, in environments made before it had its entry point, too."""
    if not pluginmanager.has_plugin("selvage"):
        pluginmanager.register(pytest_plugin, "selvage")


def pytest_configure() -> None:
    """Let the programs that tests start be interrupted: a shell that puts this run in the background has it ignore that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def fresh_groups():
    """Equal failures of other tests do not keep those of this one from being told."""
    forget()
