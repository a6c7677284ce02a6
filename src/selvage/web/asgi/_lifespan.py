"""What an application does before the first request and after the last.  Floor 4."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure, report

__all__ = ["Lifespan", "LifespanFailed"]


class LifespanFailed(Exception):
    """An ASGI application says that it cannot start, or that it could not stop as it should.

    Args:
        stage: "startup" or "shutdown".
        message: what it says.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(stage, message)
        self.stage = stage
        self.message = message

    def __str__(self) -> str:
        return f"the application failed in {self.stage}: {self.message or 'it does not say why'}"


class Lifespan:
    """Plays the part of the server in an application's lifespan.

    An application that knows no lifespan raises at once; then there is nothing to wait for.
    """

    def __init__(self, application: Any, state: dict[str, Any]) -> None:
        self._application = application
        self._state = state
        self._events: list[dict[str, str]] = []
        self._waiting: Deferred[dict[str, str]] | None = None
        self._answers: dict[str, Deferred[None]] = {}
        self._heard = False  # whether it asked for an event, as one that knows no lifespan seldom does
        self._told = False  # whether it said that it failed
        self._over = True

    def startup(self) -> Deferred[None]:
        """Let the application start.

        Fires with None when it has, or knows no lifespan.
        Fails with `LifespanFailed`.
        """
        self._over = False
        started = self._expect("startup")
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        running: Deferred[Any] = ensureDeferred(self._application(scope, self._receive, self._send))
        running.addCallbacks(self._ended, self._failed)
        self._tell("startup")
        return started

    def shutdown(self) -> Deferred[None]:
        """Let the application stop.

        Fires with None when it has.
        Fails with `LifespanFailed`.
        """
        stopped = self._expect("shutdown")
        if self._over:
            self._settle("shutdown", None)
        else:
            self._tell("shutdown")
        return stopped

    def _expect(self, stage: str) -> Deferred[None]:
        answer = self._answers[stage] = Deferred()
        return answer

    def _settle(self, stage: str, problem: BaseException | None) -> None:
        answer = self._answers.pop(stage, None)
        if answer is not None:
            answer.callback(None) if problem is None else answer.errback(problem)

    def _tell(self, stage: str) -> None:
        event = {"type": f"lifespan.{stage}"}
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(event)
        else:
            self._events.append(event)

    async def _receive(self) -> dict[str, str]:
        self._heard = True
        if self._events:
            return self._events.pop(0)
        self._waiting = Deferred()
        return await self._waiting

    async def _send(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        for stage in ("startup", "shutdown"):
            if kind == f"lifespan.{stage}.complete":
                self._settle(stage, None)
            elif kind == f"lifespan.{stage}.failed":
                self._told = True
                self._settle(stage, LifespanFailed(stage, event.get("message", "")))

    def _ended(self, _: object) -> None:
        self._over = True
        for stage in list(self._answers):
            self._settle(stage, None)

    def _failed(self, failure: Failure) -> None:
        self._over = True
        if self._heard and not self._told:
            report(failure, "Error in the lifespan of an ASGI application", source="web")
        # Else it knows no lifespan, and says so in this way; or it has said already what went wrong.
        for stage in list(self._answers):
            self._settle(stage, None)
