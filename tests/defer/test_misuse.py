"""Mistakes of newcomers with Deferreds whose messages are no part of another test."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.defer import Deferred, DeferredList, gatherResults


@pytest.mark.parametrize(
    "combine", [DeferredList, gatherResults, lambda d: gatherResults(d, group_errors=True)]
)
def test_a_single_deferred_is_no_list_of_them(combine: Any) -> None:
    with pytest.raises(TypeError, match="a list of Deferreds is needed, not one Deferred: put <Deferred at "):
        combine(Deferred())
