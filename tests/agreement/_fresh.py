"""What every test of this project needs, also without its `conftest.py`; for pytest a plugin."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from selvage.failure import forget

settings.register_profile("patient", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def fresh_groups() -> None:
    """Equal failures of other tests do not keep those of this one from being told."""
    forget()
