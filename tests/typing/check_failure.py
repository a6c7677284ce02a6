"""What mypy --strict and pyright have to make of failures and the hub.

Each `type: ignore` marks a mistake that has to be noticed: both checkers are told to complain of ignores without cause.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportMissingTypeStubs=false

from __future__ import annotations

import contextlib
from collections.abc import Generator
from types import TracebackType
from typing import assert_type

from selvage.errors import CannotListenError, FirstError
from selvage.failure import (
    Failure,
    Locals,
    Report,
    Story,
    StoryFrame,
    explain,
    failure,
    fingerprint,
    from_json,
    machinery,
    report,
    set_default_reporter,
    subscribe,
    to_html,
    to_json,
    to_terminal,
    to_text,
)


def attributes(f: Failure) -> None:
    assert_type(f.value, BaseException)
    assert_type(f.type, type[BaseException])
    assert_type(f.tb, TracebackType | None)
    assert_type(f.getTraceback(), str)
    assert_type(f.count, int)
    f.frames = f.frames[:1]
    for function, filename, line, _, _ in f.frames:
        assert_type((function, filename, line), tuple[str, str, int])


def checking(f: Failure) -> None:
    assert_type(f.check(KeyError), type[KeyError] | None)
    assert_type(f.check(KeyError, "builtins.ValueError"), type[BaseException] | str | None)
    assert_type(f.trap(KeyError), type[KeyError])
    if f.check(KeyError, IndexError):
        return
    f.check(5)  # type: ignore[call-overload]
    f.trap(int)  # type: ignore[type-var]


def raising(f: Failure, generator: Generator[int, None, str]) -> None:
    assert_type(f.throwExceptionIntoGenerator(generator), int)
    with contextlib.suppress(ValueError):
        f.throw(ValueError("better"))
    with contextlib.suppress(ValueError):
        f.throw(ValueError)
    f.throw("text")  # type: ignore[arg-type]


def making(error: Exception) -> None:
    assert_type(failure(error), Failure)
    assert_type(Failure(error), Failure)
    assert_type(Failure(captureVars=True), Failure)
    failure("text")  # type: ignore[arg-type]


def hub(f: Failure, lines: list[str]) -> None:
    def subscriber(record: Report) -> None:
        lines.append(record.message)
        assert_type(record.failure, Failure)

    subscribe(subscriber)
    subscribe(lines.append)  # type: ignore[arg-type]
    previous = set_default_reporter(None)
    set_default_reporter(previous)
    report(f, "Unhandled error in timer", source="timer", timer=object())
    report(ValueError())
    report("text")  # type: ignore[arg-type]


@machinery
def trampoline(number: int) -> str:
    return str(number)


assert_type(trampoline(1), str)


def facts(first: FirstError, busy: CannotListenError) -> None:
    assert_type(first.subFailure, Failure)
    assert_type(first.index, int)
    print(busy.interface, busy.port, busy.socketError)


def stories(f: Failure, error: ValueError) -> None:
    story = Story.of(f, locals=Locals(limit=10, redact=lambda name, value: name == "card"), carets=True)
    assert_type(story, Story)
    assert_type(story.frames[0].columns, tuple[int, int] | None)
    assert_type(story.chain[0].made, StoryFrame | None)
    assert_type(to_text(error, locals=True), str)
    assert_type(to_terminal(story, color=False), str)
    assert_type(to_html(f, page=False), str)
    assert_type(from_json(to_json(f, indent=2)), Story)
    assert_type(explain(f) + fingerprint(f), str)
    assert_type(f.pdb(), None)
    to_text("text")  # type: ignore[arg-type]
    explain(5)  # type: ignore[arg-type]
