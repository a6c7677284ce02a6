"""Listening, connecting, and ending when told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from selvage.defer import Deferred
from selvage.endpoints import clientFromString, serverFromString
from selvage.reactor import get_reactor, run
from selvage.testing._addresses import shown
from selvage.testing.chaos._options import faults_from
from selvage.testing.chaos._output import Output
from selvage.testing.chaos._proxy import ChaosFactory
from selvage.testing.faults import FaultPlan, Injected

__all__ = ["chaos"]


def chaos(
    listen: str,
    to: str,
    options: Mapping[str, str | None],
    *,
    seed: int | None = None,
    seconds: float | None = None,
    connections: int | None = None,
    as_json: bool | None = None,
    stream: TextIO | None = None,
) -> None:
    """Listen, connect each client to the service, and let faults happen in between, until interrupted.

    Args:
        listen: description of the endpoint to listen on.
        to: description of the endpoint where the service is.
        options: by the name of the option, as "cut", its text, as "0.01@0..64k"; see `OPTIONS`.
        seed: deals the same faults again; None draws one.
        seconds: end after so long; None for never.
        connections: end when so many are over; None for never.
        as_json: JSON lines, not text; None decides by whether the stream is a terminal.
        stream: what to write to; standard output by default.

    Raises:
        ValueError: an option or a description makes no sense.
        CannotListenError: it cannot listen there.
    """
    out = sys.stdout if stream is None else stream
    json_lines = not out.isatty() if as_json is None else as_json
    faults = faults_from(options)

    async def main() -> None:
        reactor = get_reactor()
        plan = FaultPlan(*faults, seed=seed, clock=reactor)
        began = reactor.seconds()
        output = Output(out, json_lines, lambda: reactor.seconds() - began)
        done: Deferred[None] = Deferred()

        def ended() -> None:
            if output.over == connections:
                _fire(done)

        def event(name: str, target: str, facts: dict[str, Any]) -> None:
            output.event(name, target, facts)
            ended()

        def fault(injected: Injected) -> None:
            output.fault(injected)
            ended()

        plan.listen(fault)
        factory = ChaosFactory(_endpoint("to", to, clientFromString), event)
        endpoint = _endpoint("listen", listen, serverFromString)
        # Without faults it is a plain proxy, to see what the others change.
        port: Any = await plan.server(endpoint).listen(factory)
        output.listening(shown(port.getHost()), plan)
        if seconds is not None:
            reactor.callLater(seconds, _fire, done)
        try:
            await done
        finally:
            port.stopListening()  # waits for nothing, and may run while the reactor stops
            factory.end()
            output.summary(plan)

    try:
        run(main)
    except KeyboardInterrupt:
        pass  # how one ends it; the summary has been told


def _endpoint(option: str, description: str, parse: Callable[[Any, str], Any]) -> Any:
    try:
        return parse(get_reactor(), description)
    except (ValueError, TypeError) as error:
        raise ValueError(f"--{option} {description}: {error}") from error


def _fire(done: Deferred[None]) -> None:
    if not done.called:
        done.callback(None)
