"""A pytest of its own for each test."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .running import run_pytest


@pytest.fixture
def run(tmp_path: Path) -> Any:
    return partial(run_pytest, tmp_path)
