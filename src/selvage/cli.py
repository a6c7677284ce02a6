"""The `selvage` command.  Floor 5.

Nothing but the standard library is imported until a command is known to need it: `selvage twisted` and its kin hand the process
over to somebody's program, which shall find a fresh and quickly started interpreter, and `selvage --version` answers
at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import click

__all__ = ["main", "trial", "twist", "twistd"]

#: The extras and peers that `selvage info` looks for: distribution name and what it is for.
_COMPANIONS = {
    "uvloop": "the event loop used by default",
    "zope.interface": "interfaces",
    "twisted": "gives the modules that the wing does not have yet",
}

#: Twisted's commands, and what `selvage --help` says of them.
_PROGRAMS = {
    "trial": "Run tests with trial, on Selvage.",
    "twist": "Run a service with twist, on Selvage.",
    "twistd": "Run an application or a service with twistd, on Selvage.",
}

#: The same of others that look at their arguments themselves.
_OTHERS = {
    "chaos": "Stand between clients and a live service, and treat their connections badly.",
    "twisted": "Run a Twisted program on Selvage, as python would run it.",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; `arguments` are those after the command's name, by default those of the process.

    Raises:
        SystemExit: with the status of the command (2 for a wrong command line).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["twisted"]:
        from selvage._launch import run_twisted_program

        run_twisted_program(given[1:])
    elif given and given[0] in _PROGRAMS:
        from selvage._launch import run_command

        run_command(given[0], given[1:])
    elif given[:1] == ["chaos"]:
        from selvage.testing.chaos import command

        command().main(args=given[1:], prog_name="selvage chaos")
    elif given == ["--version"]:
        print(f"selvage {_version()}")
    else:
        _commands().main(args=given, prog_name="selvage")


def trial() -> None:
    """Be the command `trial`: the distribution `selvage-commands` installs it under that name."""
    main(["trial", *sys.argv[1:]])


def twist() -> None:
    """Be the command `twist`."""
    main(["twist", *sys.argv[1:]])


def twistd() -> None:
    """Be the command `twistd`."""
    main(["twistd", *sys.argv[1:]])


def _commands() -> click.Group:
    """Build the command tree; here, and not at import, because it needs click."""
    import click

    @click.group(help="Event-driven networking in which no failure is lost.")
    @click.version_option(_version(), message="selvage %(version)s")
    def group() -> None: ...

    # For --help; `main` has taken these before click sees them, since their arguments are another program's.
    for name, purpose in {**_PROGRAMS, **_OTHERS}.items():
        group.add_command(click.Command(name, help=purpose))

    @group.command()
    @click.option("--port", type=click.IntRange(0, 65534), default=8000, show_default=True, metavar="PORT")
    @click.option("--once", is_flag=True, help="End when the clients have played their parts.")
    def demo(port: int, once: bool) -> None:
        """Start the demonstration service, drive it with clients, show what happens."""
        from selvage.demo import demo as play

        sys.exit(play(port, once=once))

    @group.command()
    @click.option(
        "--path",
        type=click.Path(exists=True),
        metavar="DIR",
        help="Serve the files of a folder, or one file.",
    )
    @click.option(
        "--hidden",
        is_flag=True,
        help="With --path: serve names that begin with a dot as well, such as .git and .well-known.",
    )
    @click.option(
        "--links-out",
        is_flag=True,
        help="With --path: follow symbolic links that lead out of the folder.",
    )
    @click.option("--wsgi", metavar="MODULE:NAME", help="Serve a WSGI application.")
    @click.option("--asgi", metavar="MODULE:NAME", help="Serve an ASGI application.")
    @click.option("--app", metavar="MODULE:NAME", help="Serve an App, a Resource or a Site of selvage.web.")
    @click.option(
        "--listen",
        default=["tcp:8080:interface=127.0.0.1"],
        show_default=True,
        multiple=True,
        metavar="DESCRIPTION",
        help="Where to listen, such as tcp:8080 for all who can reach this machine; may be given several times.",
    )
    def web(listen: tuple[str, ...], hidden: bool, links_out: bool, **what: str | None) -> None:
        """Serve files or an application by HTTP, until interrupted.

        Answers that have begun are finished then.
        """
        _serve_web(listen, hidden, links_out, **what)

    @group.command()
    @click.argument("file", type=click.File("r"), default="-")
    @click.option("--explain", "briefly", is_flag=True, help="Say it in a paragraph each.")
    def story(file: TextIO, briefly: bool) -> None:
        """Show failures that were written as JSON, one on a line, as reports for people."""
        _print_stories(file, briefly)

    @group.command()
    def info() -> None:
        """Show versions of Selvage, Python and what Selvage stands on."""
        _print_info()

    return group


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("selvage")
    except PackageNotFoundError:
        return "(not installed)"


def _serve_web(listen: tuple[str, ...], hidden: bool, links_out: bool, **what: str | None) -> None:
    import click

    from selvage._serve import Broken, Mistaken, endpoint_of, resource_of, serve

    given = {name: value for name, value in what.items() if value is not None}
    if len(given) != 1:
        raise click.UsageError(
            "give one of --path, --wsgi, --asgi and --app, such as --path ."
            if not given
            else f"give one of {' and '.join(f'--{name}' for name in given)}, not all: a process serves one thing"
        )
    if (hidden or links_out) and "path" not in given:
        raise click.UsageError("--hidden and --links-out are about the files of --path")
    try:
        endpoints = [endpoint_of(each) for each in listen]
        resource = resource_of(**given, hidden=hidden, links_out=links_out)
    except Mistaken as error:
        raise click.BadParameter(str(error), param_hint=f"'{error.option}'") from None
    except Broken as error:
        raise click.ClickException(str(error)) from None
    sys.exit(serve(resource, *endpoints))


def _print_stories(file: TextIO, briefly: bool) -> None:
    import click

    from selvage.failure import explain, from_json, to_terminal

    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            told = from_json(line)
        except ValueError as error:
            raise click.ClickException(f"line {number} is not the report of a failure: {error}") from error
        click.echo(explain(told) if briefly else to_terminal(told))


def _print_info() -> None:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from rich.console import Console
    from rich.table import Table

    from selvage._wing import TWISTED_VERSION

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("selvage", _version(), f"Twisted's API of {TWISTED_VERSION}")
    table.add_row("python", platform.python_version(), platform.platform())
    for name, purpose in _COMPANIONS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "not installed"
        table.add_row(name, found, purpose)
    Console().print(table)
