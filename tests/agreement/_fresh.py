"""What every test of this project needs, also without its `conftest.py`; for pytest a plugin."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from selvage.failure import forget

# No test fails for being slow: that says more of the machine than of what is tested.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", PATIENT)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def fresh_groups() -> None:
    """Equal failures of other tests do not keep those of this one from being told."""
    forget()
