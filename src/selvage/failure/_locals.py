"""Local variables as text that may be shown.  Floor 0.

Theory of operation
-------------------

A report must neither betray a secret nor die of what it shows. So, on the way from an object to its text:

* *Names that smell of secrets* hide their values, those of variables and those of keys in dictionaries, and so does
  whatever the user's own filter says. In all texts values are hidden that such a name introduces (`User(password='...')`
  of a data class, `?token=...`), what authenticates in the headers of a request, and the password of
  `scheme://user:password@host`.
* *Numbers, strings and the built-in containers* are written here, not by their `repr`: a few items of each, a few levels
  deep, strings cut in the middle. A container of a million items costs as much as one of ten.
* *Anything else has code of its own*, which may raise, wait for a lock that this very thread holds, or never end. It runs
  in a helper thread, one for all variables of a report, which gets so much time for each. A `repr` of Python code that
  is still at it after many steps is ended by an exception raised into it, so that the helper thread ends too. What
  neither ends nor raises, because it waits for ever or swallows every exception, costs the time and leaves an idle (or, in
  the last case, a busy) daemon thread behind, and the report goes on without it.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from selvage.failure._printable import printable

__all__ = ["HIDDEN", "Locals", "describe", "describe_all"]

#: Stands for a value that is not shown.
HIDDEN = "[hidden]"

# Words of a name, at any place in it. Missing one costs a password in a log, hiding one too many costs a person a
# question; so it is a generous list.
_SECRET = re.compile(
    r"pass(wd|word|phrase|code)|(^|_)(pass|pwd|pw|pin|otp|jwt|sid)($|_)|secret|token|credential|cookie|session"
    r"|authori[sz]ation|(^|_|x-)auth($|_|-)|api_?-?key|access_?-?key|private|signature|bearer|salt|nonce",
    re.IGNORECASE,
)

# The password in the authority of a URL.
_URL_PASSWORD = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@'\"]{0,200}:)[^\s/@'\"]+(?=@)", re.IGNORECASE
)

# A name and its value in a text: `name='value'`, `name=value`, `'name': value`, `('name', value)`. Begins at the beginning
# of a word only, so that a long word is looked at once.
_NAMED = re.compile(
    r"(?<![\w-])(?P<before>(?:b(?=['\"]))?(?P<quote>['\"]?)(?P<name>[\w-]+)(?P=quote)"
    r"(?:=|(?<=['\"])\s*:\s*|(?<=['\"])(?P<pair>,)\s+))(?!\[hidden\])"
    r"(?:b?'(?:[^'\\]|\\.)*'|b?\"(?:[^\"\\]|\\.)*\"|[^\s,;&)\]}>'\"]+)"
)

# What a client shows to be let in, in a request as it came; a line's end is written `\\r\\n` in the `repr` of one.
_HEADER = re.compile(
    r"(?P<before>(?:\b|(?<=\\n))(?:(?:proxy-)?authorization|(?:set-)?cookie)\s*:\s*)[^\s'\"\\][^'\"\\]*",
    re.IGNORECASE,
)

# Items shown of a container, and levels of containers in containers. What a person takes in at a glance.
_ITEMS = 8
_LEVELS = 3

# Characters of one captured variable: who asked for all variables wants to see much of each.
_CAPTURED = 1000

# Bits of an integer that is still written in digits: about 300 of them. Writing takes time quadratic in their number.
_INTEGER_BITS = 1024

# Steps (instructions) of Python code that one `repr` may take: a hundred times what a large data class needs, and some
# 50 ms when counted.
_STEPS = 200_000

# Seconds that the helper thread may take for one value, and the number of values that may use them up, until no
# further one of this report is asked. A report is late by no more than their product.
_PATIENCE_S = 1.0
_HANGING = 2


@dataclass(frozen=True, slots=True)
class Locals:
    """How local variables are shown in reports.

    Args:
        limit: characters of one value; the middle of a longer one is left out.
        count: variables of one frame.
        redact: called as `redact(name, value)` for each variable and each key of a dictionary that is a string; True
            hides the value, beside those whose names smell of secrets. If it raises, the value is hidden, too.
    """

    limit: int = 120
    count: int = 40
    redact: Callable[[str, Any], bool] | None = None

    def hides(self, name: str, value: object) -> bool:
        """Tell whether the value of that name must not be seen."""
        if _SECRET.search(name) is not None:
            return True
        if self.redact is None:
            return False
        try:
            return bool(self.redact(name, value))
        except Exception:
            return True


class _NeedsItsOwnCode(Exception):
    """The text of a value cannot be had without running code of its class."""


class _Endless(BaseException):
    """Raised into a `repr` that runs too long; no Exception, so that it does not catch it by accident."""


def describe(frames: Iterable[Iterable[tuple[str, Any]]], policy: Locals) -> list[list[tuple[str, str]]]:
    """Give the variables of several frames as text, `(name, text)` pairs for each, sorted by name.

    May block for `_HANGING * _PATIENCE_S` seconds when some `repr` does not end.
    """
    left_out: list[int] = []
    chosen: list[list[tuple[str, Any]]] = []
    for variables in frames:
        pairs = sorted(_worth_showing(variables), key=lambda pair: pair[0])
        chosen.append(pairs[: policy.count])
        left_out.append(len(pairs) - len(chosen[-1]))
    described = _described(chosen, policy)
    for texts, more in zip(described, left_out, strict=True):
        if more:
            texts.append(("...", f"{more} more"))
    return described


def describe_all(variables: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Give captured variables as text, all of them in their order: for the verbose report, and when a failure is cleaned."""
    return _described([list(variables)], Locals(limit=_CAPTURED))[0]


def _described(frames: list[list[tuple[str, Any]]], policy: Locals) -> list[list[tuple[str, str]]]:
    described: list[list[Any]] = []
    # What needs the helper thread: where its text goes, and the value.
    rest: list[tuple[list[Any], int, Any]] = []
    for pairs in frames:
        texts: list[Any] = []
        for name, value in pairs:
            try:
                text = HIDDEN if policy.hides(name, value) else _shown(value, policy, None)
            except _NeedsItsOwnCode:
                text = ""
                rest.append((texts, len(texts), value))
            texts.append((name, text))
        described.append(texts)
    if rest:
        found = _in_a_helper_thread([value for _, _, value in rest], policy)
        for (texts, place, _), text in zip(rest, found, strict=True):
            texts[place] = (texts[place][0], text)
    return described


def _worth_showing(variables: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Leave out what says nothing of a moment: names of the interpreter's, and modules, functions and classes."""
    for name, value in list(variables):
        if not isinstance(name, str) or (name.startswith("__") and name.endswith("__")):
            continue
        if type(value) not in _DEFINITIONS:
            yield name, value


_DEFINITIONS = (ModuleType, FunctionType, BuiltinFunctionType, type)


def _shown(value: Any, policy: Locals, ask: Callable[[object], str] | None) -> str:
    """Give the text of one value, cut to size.

    Args:
        ask: gives the text of an object whose class has code for it; None refuses to run any.

    Raises:
        _NeedsItsOwnCode: there is such an object, and `ask` is None.
    """
    text = _without_secrets(_written(value, policy, ask, _LEVELS))
    size = len(value) if type(value) in _STRINGS else len(text)
    return _cut(printable(text).replace("\n", "\\n"), policy.limit, size)


def _without_secrets(text: str) -> str:
    """Hide what a text says by itself to be secret."""
    text = _NAMED.sub(_hidden_if_secret, text)
    text = _HEADER.sub(rf"\g<before>{HIDDEN}", text)
    return _URL_PASSWORD.sub(rf"\g<before>{HIDDEN}", text)


def _hidden_if_secret(found: re.Match[str]) -> str:
    secret = _SECRET.search(found["name"]) is not None
    if found["pair"] and found.string[max(found.start() - 1, 0) : found.start()] != "(":
        secret = False  # one word after another
    return f"{found['before']}{HIDDEN}" if secret else found[0]


def _written(value: Any, policy: Locals, ask: Callable[[object], str] | None, levels: int) -> str:
    cls = type(value)
    if cls in (float, complex, bool, type(None), range):
        return repr(value)
    if cls is int:
        bits = value.bit_length()
        return repr(value) if bits <= _INTEGER_BITS else f"<int of {bits} bits>"
    if cls in _STRINGS:
        return _string(value, policy.limit)
    if cls in _BRACKETS:
        return _container(value, policy, ask, levels)
    if cls is dict:
        return _dictionary(value, policy, ask, levels)
    if cls in _DEFINITIONS or cls is MethodType:
        return f"<{cls.__name__} {getattr(value, '__qualname__', getattr(value, '__name__', '?'))}>"
    if getattr(cls, "__repr__", None) is object.__repr__:
        return _plain_repr(value)
    if ask is None:
        raise _NeedsItsOwnCode
    return ask(value)


_STRINGS: tuple[type, ...] = (str, bytes, bytearray)

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def _string(value: Any, limit: int) -> str:
    """Give the `repr` of a string without making that of all of a long one; the ends are kept."""
    if len(value) <= 2 * limit:
        return repr(value)
    return f"{value[:limit]!r}...{value[-limit:]!r}"


def _container(value: Any, policy: Locals, ask: Callable[[object], str] | None, levels: int) -> str:
    opening, closing = _BRACKETS[type(value)]
    if not value:
        return repr(value)
    if not levels:
        return f"{opening}...{closing}"
    items = [_written(item, policy, ask, levels - 1) for item in _first(value)]
    if len(value) > _ITEMS:
        items.append(f"... {len(value) - _ITEMS} more")
    comma = "," if type(value) is tuple and len(value) == 1 else ""
    return f"{opening}{', '.join(items)}{comma}{closing}"


def _dictionary(
    value: dict[Any, Any], policy: Locals, ask: Callable[[object], str] | None, levels: int
) -> str:
    if value and not levels:
        return "{...}"
    items = []
    for key, item in _first(value.items()):
        hidden = isinstance(key, (str, bytes)) and policy.hides(_name_of(key), item)
        text = HIDDEN if hidden else _written(item, policy, ask, levels - 1)
        items.append(f"{_written(key, policy, ask, levels - 1)}: {text}")
    if len(value) > _ITEMS:
        items.append(f"... {len(value) - _ITEMS} more")
    return f"{{{', '.join(items)}}}"


def _name_of(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode("latin-1")


def _first(items: Iterable[Any]) -> list[Any]:
    """Give the first few items; of a container that another thread changes at this moment, perhaps none."""
    try:
        return [item for _, item in zip(range(_ITEMS), items, strict=False)]
    except RuntimeError:
        return []


def _cut(text: str, limit: int, size: int) -> str:
    """Leave out the middle of a text that is too long, and tell the size of what it is of."""
    if len(text) <= limit:
        return text
    head = (limit * 2) // 3
    return f"{text[:head]}...{text[len(text) - (limit - head) :]} ({size:,} characters)"


# --- Code of others ------------------------------------------------------------------------------------------------


def _in_a_helper_thread(values: list[Any], policy: Locals) -> list[str]:
    """Give the texts of values whose classes have code for it; descriptions for those that raise or do not end."""
    texts: list[str] = []
    hanging = 0
    while len(texts) < len(values):
        if hanging >= _HANGING:
            texts += [_bare(value, "not asked, since others do not answer") for value in values[len(texts) :]]
            break
        helper = _Helper(values[len(texts) :], policy)
        if helper.work():
            texts += helper.texts
            continue
        # Copied once: the thread may still wake up and add to its own list.
        texts += helper.texts[: len(values) - len(texts)]
        if len(texts) < len(values):
            texts.append(_bare(values[len(texts)], f"whose repr did not end within {_PATIENCE_S:g} s"))
            hanging += 1
    return texts


class _Helper:
    """A thread that asks objects for their `repr`, one after the other."""

    def __init__(self, values: list[Any], policy: Locals) -> None:
        self._values = values
        self._policy = policy
        self._progress = threading.Semaphore(0)
        self._steps = 0
        self.texts: list[str] = []

    def work(self) -> bool:
        """Begin; tell whether it came to the end, after waiting for each value as long as is right."""
        thread = threading.Thread(target=self._run, name="selvage-repr", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is ending, and makes no more threads.
            self.texts = [_bare(value, "not asked, since the program is ending") for value in self._values]
            return True
        return all(self._progress.acquire(timeout=_PATIENCE_S) for _ in self._values)

    def _run(self) -> None:
        for value in self._values:
            self._steps = 0
            try:
                text = _shown(value, self._policy, self._ask)
            except BaseException as error:
                text = _bare(value, f"whose repr raised {type(error).__name__}")
            self.texts.append(text)
            self._progress.release()

    def _ask(self, value: object) -> str:
        """Give the `repr` of one object, which may be one of many in a container."""
        # What a tracing function raises also ends the tracing, so it begins anew for each object.
        sys.settrace(self._trace)
        try:
            return repr(value)
        except _Endless:
            return _bare(value, f"whose repr ran for more than {_STEPS} steps")
        except BaseException as error:
            return _bare(value, f"whose repr raised {type(error).__name__}")
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "call":
            # A loop on one line has no other event.
            frame.f_trace_opcodes = True
        self._steps += 1
        if self._steps > _STEPS:
            # From now on for whatever else is asked for this value, too: one is enough.
            raise _Endless
        return self._trace


def _bare(value: object, remark: str) -> str:
    """Name an object without running any code of its class."""
    return printable(f"<{_class_name(type(value))} at {id(value):#x} {remark}>").replace("\n", "\\n")


_plain_repr: Callable[[object], str] = object.__repr__
_class_name: Callable[[type], str] = type.__dict__["__name__"].__get__
