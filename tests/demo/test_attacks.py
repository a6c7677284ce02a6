"""What the demonstration shows of a peer's words (../shared ATTACKS, by number)."""

from __future__ import annotations

import io

from rich.console import Console

from selvage.demo._story import Story
from selvage.failure import Failure


def test_attack_042_a_failure_is_shown_without_the_peers_escapes() -> None:
    shown = io.StringIO()
    story = Story(Console(file=shown, force_terminal=False, width=200))
    try:
        raise ValueError("sent \x1b[31mred \x1b]0;title\x07 [bold]marked[/bold]\nsecond line")
    except ValueError:
        story.failed(Failure())
    text = shown.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "ValueError: sent \\x1b[31mred \\x1b]0;title\\x07 [bold]marked[/bold] second line" in text


def test_attack_042_bytes_are_shown_escaped() -> None:
    shown = io.StringIO()
    story = Story(Console(file=shown, force_terminal=False, width=200))
    story.said("echo", "1234", b"\x1b[2J[red]x\r\n")
    assert "said b'\\x1b[2J[red]x\\r\\n'" in shown.getvalue()
