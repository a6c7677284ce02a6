"""Mistakes of newcomers with factories and framing whose messages are no part of another test."""

from __future__ import annotations

import pytest

from selvage.protocols import Factory, Protocol


class Talk(Protocol):
    pass


def test_for_protocol_takes_the_class() -> None:
    with pytest.raises(TypeError, match=r"Factory.forProtocol\(\) takes a class, .* pass Talk itself"):
        Factory.forProtocol(Talk())  # type: ignore[arg-type]
