"""The command line of `selvage chaos`."""

from __future__ import annotations

import re
from typing import Any

import click

from selvage.errors import CannotListenError
from selvage.testing.chaos._options import OPTIONS, duration
from selvage.testing.chaos._run import chaos

__all__ = ["command"]


def command() -> click.Command:
    """Make the command, as click wants it."""
    faults = [
        click.Option([f"--{name}"], metavar=metavar, help=words)
        if default is None
        else click.Option([f"--{name}"], metavar=metavar, help=words, is_flag=False, flag_value=default)
        for name, (metavar, default, words, _) in OPTIONS.items()
    ]
    return _Command(
        "chaos",
        callback=_play,
        help="Stand between clients and a live service, and treat their connections badly.",
        epilog="WHICH is a part of 1, as 0.01; an amount is a number or a range, as 50ms..2s or 0..64k.",
        params=[
            click.Option(["--listen"], required=True, metavar="DESCRIPTION", help="Where, as tcp:9000."),
            click.Option(
                ["--to"], required=True, metavar="DESCRIPTION", help="The service, as tcp:localhost:8000."
            ),
            *faults,
            click.Option(
                ["--seed"], type=int, metavar="N", help="Deal the same faults as the run that said N."
            ),
            click.Option(["--for", "for_"], metavar="DURATION", help="End after so long."),
            click.Option(
                ["--connections"],
                type=click.IntRange(min=1),
                metavar="N",
                help="End when N connections are over.",
            ),
            click.Option(
                ["--json/--text", "as_json"],
                default=None,
                help="By default text on a terminal, JSON lines elsewhere.",
            ),
        ],
    )


class _Command(click.Command):
    """Lets a number below zero be refused like any other that makes no sense, and not as an option that there is not."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        # After a space a minus sign begins no option; whoever reads a number takes the space off.
        return super().parse_args(ctx, [_BELOW_ZERO.sub(r"\1 ", each) for each in args])


_BELOW_ZERO = re.compile(r"^(--[\w-]+=)?(?=-[\d.])")


def _play(listen: str, to: str, for_: str | None, **given: Any) -> None:
    options = {name: given.pop(name.replace("-", "_")) for name in OPTIONS}
    try:
        seconds = None if for_ is None else _seconds(for_)
        chaos(listen, to, options, seconds=seconds, **given)
    except (ValueError, CannotListenError) as error:
        raise click.ClickException(str(error)) from error


def _seconds(text: str) -> float:
    try:
        seconds = duration(text)
    except ValueError as error:
        raise ValueError(f"--for {text.strip()}: {error}") from None
    if not seconds:
        raise ValueError(f"--for {text}: the proxy would end before it began; DURATION is above 0")
    return seconds
