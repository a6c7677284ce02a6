"""Start the services, play the scenes, tell the story."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from rich.console import Console

from selvage.defer import Deferred
from selvage.errors import CannotListenError
from selvage.failure import limit_reports, recent, set_default_reporter
from selvage.reactor import get_reactor, run
from selvage.web.server import Site

from ._scenes import HOST, PATIENCE_S, SCENES, TOLD, Stage
from ._services import DemoFactory, LineEcho, ReverseEcho
from ._story import Story
from ._web import items_service

if TYPE_CHECKING:
    from selvage.reactor import Reactor

# Columns of tables and rules where the output is no terminal and nobody says how wide it is.
PIPE_WIDTH = 100


def demo(port: int, *, once: bool) -> int:
    """Run the demonstration and return the exit status.

    Args:
        port: TCP port of the reverse echo; the line echo takes the one above, the REST service the one 80 above.
            0 lets the system choose all.
        once: end when every scene has been played, instead of serving on until Ctrl-C.

    Returns:
        0 when all went as told, 1 when a scene did not or a port is taken.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    story = Story(console)
    # The story shows failures itself; twice would be once too often.
    previous = set_default_reporter(None)
    limit_reports(at_most=TOLD)
    try:
        return run(_play, story, port, once)
    except CannotListenError as error:
        story.console.print(f"[bold red]{error}[/]\nAnother program has that port; choose one with --port.")
        return 1
    except KeyboardInterrupt:
        story.console.print("\nInterrupted; the services are closed.")
        return 0
    finally:
        limit_reports()
        set_default_reporter(previous)


async def _play(story: Story, port: int, once: bool) -> int:
    reactor = get_reactor()
    reactor.addErrorCallback(story.failed, grouped=True)
    factories = [DemoFactory("reverse echo", ReverseEcho, story), DemoFactory("line echo", LineEcho, story)]
    strings = _listen(reactor, port, factories[0])
    lines = _listen(reactor, port + 1 if port else 0, factories[1])
    web = _listen(reactor, _web_port(port), Site(items_service(story).resource()))
    stage = Stage(reactor, story, strings, lines, web)
    loop = asyncio.get_running_loop()
    story.console.print("[bold]Selvage[/]: the woven edge that keeps a program from fraying", highlight=False)
    story.console.print(f"[dim]a reactor on {type(loop).__module__}.{type(loop).__qualname__}[/]")
    story.console.print(f"reverse echo on {HOST}:{stage.strings_port}, length-prefixed strings (32 bit)")
    story.console.print(f"line echo    on {HOST}:{stage.lines_port}, lines")
    story.console.print(f"REST service on {stage.url}, items as JSON, and a page that shows them")
    outcomes = await _play_scenes(stage, factories)
    story.summary(outcomes, recent())
    if not once:
        story.console.print(
            f"\nStill serving. Try [bold]nc {HOST} {stage.lines_port}[/], say [bold]boom[/]; look at [bold]{stage.url}/[/]; "
            "Ctrl-C ends."
        )
        await Deferred()
    reactor.removeErrorCallback(story.failed)
    return 0 if all(problem is None for problem in outcomes.values()) else 1


def _web_port(port: int) -> int:
    """Return the port of the REST service: 8080 beside 8000, as in the guide."""
    return port + 80 if 0 < port <= 65535 - 80 else 0


def _listen(reactor: Reactor, port: int, factory: Any) -> int:
    """Listen on loopback and return the port number, which the system has chosen where `port` is 0."""
    number: int = reactor.listenTCP(port, factory, interface=HOST).getHost().port
    return number


async def _play_scenes(stage: Stage, factories: list[DemoFactory]) -> dict[str, str | None]:
    """Play each scene; one that fails is told and does not keep the others from being played."""
    outcomes: dict[str, str | None] = {}
    for scene in SCENES:
        title = (inspect.getdoc(scene) or scene.__name__).splitlines()[0]
        stage.story.scene(title)
        try:
            await scene(stage)
            await _quiet(factories)
        except Exception as error:
            outcomes[title] = f"{type(error).__name__}: {error}"
            stage.story.told("[bold red]x[/]", f"not as told: {type(error).__name__}: {error}")
        else:
            outcomes[title] = None
    return outcomes


async def _quiet(factories: list[DemoFactory]) -> None:
    """Wait until the clients of a scene have left, so that their leaving is told in that scene."""
    async with asyncio.timeout(PATIENCE_S):
        while any(factory.open for factory in factories):
            await asyncio.sleep(0.001)
