"""What a person sees of the demonstration: who connected, what was said, what went wrong, what went on."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from selvage.errors import ConnectionDone
from selvage.failure import Story as StoryOfFailure, printable, printable_traceback, to_terminal

if TYPE_CHECKING:
    from rich.console import Console

    from selvage.failure import Failure, Group

LONGEST_SHOWN_BYTES = 48


class Story:
    """Prints each event on one line as it happens, and each Failure with its traceback below.

    On a terminal in colour; into a pipe as plain text. Bytes from the wire are shown escaped, so that no peer can write
    control sequences to the terminal.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failures: list[Failure] = []
        self._began = time.monotonic()

    def scene(self, title: str) -> None:
        self.console.print()
        self.console.print(Rule(Text(title, style="bold"), align="left", style="cyan"))

    def told(self, mark: str, text: str, style: str = "") -> None:
        clock = f"{time.monotonic() - self._began:7.3f}s"
        # A terminal wraps at words; a pipe gets each event as one line.
        whole = not self.console.is_terminal
        self.console.print(f"[dim]{clock}[/] {mark} {text}", style=style, highlight=False, soft_wrap=whole)

    def connected(self, service: str, peer: str) -> None:
        self.told("[green]+[/]", f"[bold]{service}[/]: client :{peer} connected")

    def disconnected(self, service: str, peer: str, reason: Failure) -> None:
        if reason.check(ConnectionDone):
            self.told("[dim]-[/]", f"[bold]{service}[/]: client :{peer} left")
        else:
            self.told("[red]-[/]", f"[bold]{service}[/]: client :{peer} cut off: {escape(_brief(reason))}")

    def said(self, service: str, peer: str, data: bytes) -> None:
        self.told("[blue]>[/]", f"[bold]{service}[/]: client :{peer} said {escape(_shown(data))}")

    def answered(self, data: bytes) -> None:
        self.told("[blue]<[/]", f"the client got {escape(_shown(data))}")

    def refused(self, service: str, peer: str, why: str) -> None:
        self.told("[yellow]![/]", f"[bold]{service}[/]: client :{peer} refused: {escape(why)}")

    def recovered(self, text: str) -> None:
        self.told("[green]=[/]", f"[green]{escape(text)}[/]")

    def failed(self, failure: Failure) -> None:
        """Show a Failure that nobody handled; `reactor.addErrorCallback` calls this."""
        self.failures.append(failure)
        self.told("[bold red]x[/]", f"[bold red]a failure reached the hub: {escape(_brief(failure))}[/]")
        indented = textwrap.indent(printable_traceback(failure).rstrip(), " " * 11)
        self.console.print(Text(indented, style="red"), soft_wrap=True)

    def summary(self, outcomes: dict[str, str | None], groups: list[Group]) -> None:
        """Print how each scene ended, what went wrong how often, and one story in full.

        Args:
            outcomes: by the scene's title its problem, or None where all went as told.
            groups: what nobody handled.
        """
        table = Table(title="What happened", title_justify="left", box=None, header_style="bold")
        table.add_column("")
        table.add_column("scene")
        table.add_column("outcome")
        for title, problem in outcomes.items():
            mark = "[green]ok[/]" if problem is None else "[bold red]no[/]"
            table.add_row(mark, title, "as told" if problem is None else escape(problem))
        self.console.print()
        self.console.print(table)
        self._what_went_wrong(groups)
        if groups:
            self._one_in_full(max(groups, key=_levels))

    def _what_went_wrong(self, groups: list[Group]) -> None:
        table = Table(title="What went wrong", title_justify="left", box=None, header_style="bold")
        table.add_column("times", justify="right", style="bold red")
        table.add_column("what", overflow="fold")
        table.add_column("where it was left over")
        table.add_column("fingerprint", style="dim", no_wrap=True)
        for group in groups:
            words = Text(_brief(group.failure))
            table.add_row(f"{group.count:,}", words, Text(group.message.rstrip(":")), group.fingerprint)
        self.console.print()
        self.console.print(table)
        count = sum(group.count for group in groups)
        self.console.print(
            f"{count:,} failures reached the hub; every one is counted, none ended the service."
        )

    def _one_in_full(self, group: Group) -> None:
        self.scene("One story in full")
        text = to_terminal(group.failure, color=self.console.is_terminal and not self.console.no_color)
        self.console.print(Text.from_ansi(text.rstrip()), soft_wrap=True)


def _levels(group: Group) -> int:
    """Tell through how many frames and causes a failure came."""
    story = StoryOfFailure.of(group.failure)
    return sum(len(each.frames) for each in (story, *story.causes))


def _shown(data: bytes) -> str:
    short = data[:LONGEST_SHOWN_BYTES]
    return f"{short!r}" + (f" and {len(data) - len(short):,} bytes more" if len(data) > len(short) else "")


def _brief(failure: Failure) -> str:
    message = printable(failure.getErrorMessage()).replace("\n", " ")
    return f"{failure.type.__name__}: {message}" if failure.type else message
