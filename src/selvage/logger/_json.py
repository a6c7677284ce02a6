"""Events in JSON, and back.  Floor 1.

The form is Twisted's, so that either can read what the other has written: one object an event, flattened, in which levels
and failures are objects with a `__class_uuid__`, bytes are text by latin-1 and what JSON cannot hold is
`{"unpersistable": true}`. For people's log tools there is a plainer form: see `selvage.logger.configure`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from selvage.failure import Failure, Story

from ._file import FileLogObserver
from ._flat import flattenEvent
from ._format import formatUnformattableEvent
from ._interfaces import LogEvent, Output
from ._levels import LogLevel
from ._logger import Logger

__all__ = [
    "eventAsJSON",
    "eventFromJSON",
    "eventsFromJSONLogFile",
    "failureAsJSON",
    "failureFromJSON",
    "jsonFileLogObserver",
    "log",
    "objectLoadHook",
    "objectSaveHook",
]

#: Says what could not be read.
log = Logger(namespace="selvage.logger")

JSONDict = dict[str, Any]

# Marks a dictionary as an object of a class; part of the format.
_CLASS = "__class_uuid__"


def failureAsJSON(failure: Failure) -> JSONDict:
    """Return a failure as a dictionary for JSON: what Twisted writes of one, and its story."""
    state = failure.__getstate__()
    kind = failure.type
    state["type"] = {
        "__module__": getattr(kind, "__module__", "?"),
        "__name__": getattr(kind, "__name__", str(kind)),
    }
    if isinstance(state.get("story"), Story):
        state["story"] = state["story"].to_dict()
    return state


def failureFromJSON(failureDict: JSONDict) -> Failure:
    """Return the failure of a dictionary from JSON; it has the report of the one that was saved, not its exception."""
    described = failureDict["type"]
    kind = type(str(described["__name__"]), (), {"__module__": str(described["__module__"])})
    failure = Failure.__new__(Failure)
    failure.__setstate__({**failureDict, "type": kind})
    return failure


# A class, what it is called in JSON, and how it gets there and back.
_CLASSES: tuple[tuple[type, str, Callable[[Any], JSONDict], Callable[[JSONDict], Any]], ...] = (
    (
        LogLevel,
        "02e59486-f24d-46ad-8224-3acdf2a5732a",
        lambda level: {"name": level.name},
        lambda level: LogLevel.__members__.get(level["name"]),
    ),
    (Failure, "e76887e2-20ed-49bf-a8f8-ba25cc586f2d", failureAsJSON, failureFromJSON),
)


def objectSaveHook(pythonObject: object) -> Any:
    """Return what JSON shall hold of an object that it does not know."""
    for kind, uuid, save, _ in _CLASSES:
        if isinstance(pythonObject, kind):
            return {**save(pythonObject), _CLASS: uuid}
    if isinstance(pythonObject, bytes):
        return pythonObject.decode("latin-1")
    return {"unpersistable": True}


def objectLoadHook(aDict: JSONDict) -> object:
    """Return the object of a dictionary that `objectSaveHook` made, or, if it did not, the dictionary."""
    marked = aDict.get(_CLASS)
    if isinstance(marked, str):
        for _, uuid, _, load in _CLASSES:
            if marked.lower() == uuid:
                try:
                    return load({key: value for key, value in aDict.items() if key != _CLASS})
                except Exception:
                    # It says that it is one, and is not.
                    return aDict
    return aDict


def eventAsJSON(event: LogEvent) -> str:
    """Return an event as JSON, on one line; it is flattened, and itself not changed."""
    event = dict(event)
    try:
        flattenEvent(event)
    except Exception as error:
        # Then it has no text of its own; what `formatEvent` would say of it is kept.
        event["log_text"] = formatUnformattableEvent(event, error)
        event["log_format"] = "{log_text}"
        flattenEvent(event)
    try:
        return json.dumps(event, default=objectSaveHook, skipkeys=True)
    except (ValueError, RecursionError):
        # Something contains itself.
        return json.dumps(
            {name: _shallow(value) for name, value in event.items()}, default=objectSaveHook, skipkeys=True
        )


def _shallow(value: Any) -> Any:
    try:
        json.dumps(value, default=objectSaveHook, skipkeys=True)
    except (ValueError, RecursionError):
        return {"unpersistable": True}
    return value


def eventFromJSON(eventText: str) -> JSONDict:
    """Return the event of JSON that `eventAsJSON` made."""
    event: JSONDict = json.loads(eventText, object_hook=objectLoadHook)
    return event


def jsonFileLogObserver(outFile: Output, recordSeparator: str = "\x1e") -> FileLogObserver:
    r"""Return an observer that writes events as JSON, one a line: a JSON text sequence (RFC 7464).

    Args:
        outFile: a file of text, or of bytes, to which UTF-8 is written.
        recordSeparator: what begins each line; "" for lines of nothing but JSON.
    """
    return FileLogObserver(outFile, lambda event: f"{recordSeparator}{eventAsJSON(event)}\n")


# --- Reading -----------------------------------------------------------------------------------------------------


def eventsFromJSONLogFile(
    inFile: IO[Any], recordSeparator: str | None = None, bufferSize: int = 4096
) -> Iterable[LogEvent]:
    r"""Read the events of a file that `jsonFileLogObserver` wrote.

    What is no event is left out, and an event says so.

    Args:
        inFile: a file of text, or of UTF-8.
        recordSeparator: what begins each record; "" if nothing does, None to see by the first character.
        bufferSize: how much is read at once.
    """
    pieces = _pieces(inFile, bufferSize)
    if recordSeparator is None:
        first = next(pieces, b"")
        recordSeparator = "\x1e" if first.startswith(b"\x1e") else ""
        pieces = _again(first, pieces)
    separator = recordSeparator.encode("utf-8")
    records = _split(pieces, separator) if separator else _whole_lines(_split(pieces, b"\n"))
    for record in records:
        event = _event_of(record)
        if event is not None:
            yield event


def _pieces(file: IO[Any], size: int) -> Iterator[bytes]:
    while piece := file.read(size):
        yield piece.encode("utf-8") if isinstance(piece, str) else piece


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _split(pieces: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    """Yield what is between separators, at last what follows the last one."""
    pending = bytearray()
    for piece in pieces:
        # A separator may begin in what is there already; all before that was searched.
        searched = max(len(pending) - len(separator) + 1, 0)
        pending += piece
        while (end := pending.find(separator, searched)) >= 0:
            yield bytes(pending[:end])
            del pending[: end + len(separator)]
            searched = 0
    yield bytes(pending)


def _whole_lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    before = next(lines)
    for line in lines:
        yield before + b"\n"
        before = line
    yield before


def _event_of(record: bytes) -> LogEvent | None:
    if not record.strip():
        return None
    if not record.endswith(b"\n"):
        log.error("Unable to read truncated JSON record: {record!r}", record=record)
        return None
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError:
        log.error("Unable to decode UTF-8 for JSON record: {record!r}", record=record)
        return None
    try:
        event = eventFromJSON(text)
    except (ValueError, RecursionError):
        log.error("Unable to read JSON record: {record!r}", record=record)
        return None
    if not isinstance(event, dict):
        log.error("Unable to read JSON record: {record!r}", record=record)
        return None
    return event
