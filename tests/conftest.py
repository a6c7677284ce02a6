"""What holds for every test: none sees the counts of the one before."""

import pytest

from selvage.failure import forget


@pytest.fixture(autouse=True)
def fresh_groups():
    """Equal failures of other tests do not keep those of this one from being told."""
    forget()
