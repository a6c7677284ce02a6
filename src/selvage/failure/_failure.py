"""`Failure`: an exception and its traceback as a value.  Floor 0.

A Failure is made wherever user code raises, often to be handled a few lines later, so making one costs a handful of
stores: exception, class, traceback. All else is derived when somebody asks: the frame records from the traceback, the
names of the base classes, the serial number, every text. The attributes live in slots, which spares the instance
dictionary; `vars(failure)` shows them nevertheless.
"""

from __future__ import annotations

import builtins
import itertools
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from sys import exception as _current_exception
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TextIO, TypeVar, overload

from selvage.failure._exceptions import late, qualified_name
from selvage.failure._frames import (
    FakeTraceback,
    Frame,
    extract,
    fake_traceback,
    machinery,
    safe_repr,
    safe_str,
)
from selvage.failure._render import render

if TYPE_CHECKING:
    from selvage.failure._story import Story

__all__ = [
    "DefaultException",
    "Failure",
    "NoCurrentExceptionError",
    "failure",
]

_E = TypeVar("_E", bound=BaseException)
_T_co = TypeVar("_T_co", covariant=True)

_numbers = itertools.count(1)

# Names that Twisted's module has and that its own code no longer reads: how far up the stack to look, and how many
# Failures were made. Ours neither look up the stack nor count themselves before somebody asks.
traceupLength = 4
count = 0


class DefaultException(Exception):
    """Stands in for a Failure's value that is no exception when it has to be raised."""


class NoCurrentExceptionError(Exception):
    """`Failure()` was called without arguments where no exception is being handled."""


class _Throwable(Protocol[_T_co]):
    """What a generator or coroutine offers to `throwExceptionIntoGenerator`."""

    def throw(self, value: BaseException, /) -> _T_co: ...


#: Classes of results that the callback loop of a Deferred has to look at: Failure, all its subclasses, and what
#: `selvage.defer` adds. Looking a class up here is much quicker than `isinstance`.
special_results: set[type] = set()


class Failure(BaseException):
    """An exception that happened, kept with its traceback until somebody handles it.

    Make one with `Failure()` while an exception is being handled, or from an exception: `Failure(exc)`. It may be
    raised itself, and is then taken for the exception that it holds wherever Selvage catches it.

    Args:
        exc_value: the exception; None takes the one that is being handled at the moment. A Failure is unwrapped:
            the new one holds the same exception, traceback and frames. An exception class is called without
            arguments, as `raise` does.
        exc_type: its class, if not that of `exc_value`.
        exc_tb: its traceback, if not that which `exc_value` carries.
        captureVars: whether frame records carry local and global variables, for the verbose report.

    Raises:
        NoCurrentExceptionError: there is no argument and no exception is being handled.

    Twisted: `twisted.python.failure.Failure`. In addition `check` and `trap` understand exception groups, there is
    `throw`, and a Failure that is raised without ever having had a traceback takes that of its own raising.
    """

    __slots__ = (
        "__weakref__",
        "_count",
        "_frames",
        "_parents",
        "_stack",
        "_story",
        "captureVars",
        "tb",
        "type",
        "value",
    )

    #: The exception.
    value: BaseException
    #: Its class.
    type: builtins.type[BaseException]
    #: What the report says, once the live objects are gone.
    _story: Story | None
    #: Its traceback; None when it was never raised, or the Failure was cleaned or unpickled.
    tb: TracebackType | None
    #: Whether `frames` carry variables.
    captureVars: bool

    #: 1 once the live objects have been replaced by text: after `cleanFailure` and after unpickling.
    pickled = 0

    def __init__(
        self,
        exc_value: Any = None,
        exc_type: Any = None,
        exc_tb: TracebackType | None = None,
        captureVars: bool = False,
    ) -> None:
        if exc_value is None:
            exc_value = _current_exception()
            if exc_value is None:
                raise NoCurrentExceptionError(
                    "Failure() found no exception being handled: call it in an except block, or pass it an exception"
                )
        elif isinstance(exc_value, type) and issubclass(exc_value, BaseException):
            exc_value = exc_value()
        if isinstance(exc_value, Failure):
            self._adopt(exc_value)
            return
        self.value = exc_value
        self.type = type(exc_value) if exc_type is None else exc_type
        self.captureVars = captureVars
        try:
            self.tb = exc_value.__traceback__ if exc_tb is None else exc_tb
        except AttributeError:
            # Not an exception at all; Twisted accepts any object here and so do we.
            self.tb = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Another base may bring the plain `__dict__` of instances and fill it directly (Twisted's spread does, with
        # what came over the wire). Failure itself must not have a `__getattr__`: it would slow every attribute down.
        super().__init_subclass__(**kwargs)
        special_results.add(cls)
        if not hasattr(cls, "__getattr__"):
            cls.__getattr__ = _from_own_dict  # type: ignore[attr-defined]

    def _adopt(self, other: Failure) -> None:
        """Become what `other` is, its own attributes included."""
        _own_dict(self).update(_own_dict(other))
        for name in _SLOTS:
            try:
                setattr(self, name, getattr(other, name))
            except AttributeError:
                pass
        if self.tb is None and not self.pickled:
            # Made without a traceback and then raised, as in `raise Failure(RuntimeError())`: where that happened is
            # the nearest thing to an origin.
            self.tb = other.__traceback__

    @classmethod
    def _withoutTraceback(cls, value: BaseException) -> Failure:
        """Make a Failure of an exception that nobody has raised.

        For those that are kept and used again, such as `CONNECTION_DONE`: when a coroutine raises one, that leaves a
        traceback on it, which has nothing to do with the next time that it is used.
        """
        if not isinstance(value, BaseException) or isinstance(value, Failure):
            return cls(value)
        made = cls.__new__(cls)
        made.value = value
        made.type = type(value)
        made.tb = None
        made.captureVars = False
        return made

    # --- What is derived when asked for ------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """The serial number of this Failure, given when it is first asked for."""
        try:
            return self._count
        except AttributeError:
            self._count: int = next(_numbers)
            return self._count

    @count.setter
    def count(self, value: int) -> None:
        self._count = value

    @property
    def frames(self) -> Sequence[Frame]:
        """Records `(function, filename, line, locals, globals)` of the frames crossed, outermost first.

        Selvage's own machinery is left out. The last two are `(name, value)` pairs with `captureVars`, else empty.
        """
        try:
            return self._frames
        except AttributeError:
            self._frames: Sequence[Frame] = extract(self.tb, self.captureVars)
            return self._frames

    @frames.setter
    def frames(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self._story = None

    @property
    def stack(self) -> Sequence[Frame]:
        """Frame records above the place where the exception was caught: empty unless somebody set them.

        Deprecated, since they are not known without walking the stack at creation.
        """
        _warn_of_stack()
        return self._stack_records()

    @stack.setter
    def stack(self, stack: Sequence[Frame]) -> None:
        _warn_of_stack()
        self._stack: Sequence[Frame] = stack

    def _stack_records(self) -> Sequence[Frame]:
        try:
            return self._stack
        except AttributeError:
            return []

    @property
    def parents(self) -> list[Any]:
        """Dotted names of the exception's class and its bases, in method resolution order."""
        try:
            return self._parents
        except AttributeError:
            if isinstance(self.type, type) and issubclass(self.type, BaseException):
                parents: list[Any] = [qualified_name(cls) for cls in self.type.__mro__]
            else:
                parents = [self.type]
            self._parents: list[Any] = parents
            return parents

    @parents.setter
    def parents(self, parents: list[Any]) -> None:
        self._parents = parents

    # --- Asking what it is -------------------------------------------------------------------------------------

    @overload
    def check(self, *errorTypes: builtins.type[_E]) -> builtins.type[_E] | None: ...

    @overload
    def check(
        self, *errorTypes: builtins.type[BaseException] | str
    ) -> builtins.type[BaseException] | str | None: ...

    def check(self, *errorTypes: Any) -> Any:
        """Tell which of some exception classes this failure is an instance of.

        Args:
            errorTypes: classes, or their dotted names.

        Returns:
            The first that matches, or None. An exception group that is itself no match is looked into: it matches
            when every exception in it is an instance of one of `errorTypes`, so that who handles what matched has
            handled all of it; the answer is then the first type that found one.
        """
        # Quick way, the test of an `except` clause; the names and groups of the slow way are rare
        # (benchmarks/programs/twisted_results.py).
        try:
            bases = self.type.__mro__
        except AttributeError:
            bases = ()
        for candidate in errorTypes:
            if candidate in bases:
                return candidate
        return self._check_slowly(errorTypes)

    def _check_slowly(self, candidates: Sequence[Any]) -> Any:
        if isinstance(self.value, BaseExceptionGroup):
            found = _cover(self.value, candidates)
            if found is not None:
                return found
        # A failure that came from elsewhere (a log file, another process) knows its class by name only, or by a
        # stand-in of that name.
        named_only = not (isinstance(self.type, type) and issubclass(self.type, BaseException))
        for candidate in candidates:
            if isinstance(candidate, str):
                name = candidate
            elif named_only and isinstance(candidate, type):
                name = qualified_name(candidate)
            else:
                continue
            if name in self.parents:
                return candidate
        return None

    @overload
    def trap(self, *errorTypes: builtins.type[_E]) -> builtins.type[_E]: ...

    @overload
    def trap(self, *errorTypes: builtins.type[BaseException] | str) -> builtins.type[BaseException] | str: ...

    @machinery
    def trap(self, *errorTypes: Any) -> Any:
        """Let only failures of some classes pass; what `except` is to exceptions, in an errback.

        Args:
            errorTypes: classes, or their dotted names.

        Returns:
            The first that matches, as `check` tells.

        Raises:
            The exception itself, with its traceback, when none matches.
        """
        # Quick way, the same as in `check`.
        try:
            bases = self.type.__mro__
        except AttributeError:
            bases = ()
        for candidate in errorTypes:
            if candidate in bases:
                return candidate
        error = self._check_slowly(errorTypes)
        if error is None:
            raise self._exception()
        return error

    # --- Raising it again --------------------------------------------------------------------------------------

    def _exception(self) -> BaseException:
        """Give the exception, with the traceback that it had when this Failure was made."""
        value = self.value
        if isinstance(value, BaseException):
            return value.with_traceback(self.tb)
        return DefaultException(f"{qualified_name(self.type)}: {safe_str(value)}")

    @machinery
    def raiseException(self) -> NoReturn:
        """Raise the exception with its traceback."""
        raise self._exception()

    @machinery
    def throw(self, error: BaseException | builtins.type[BaseException]) -> NoReturn:
        """Raise another exception in place of this one, which becomes its cause.

        For errbacks that convert what went wrong into the terms of their caller.
        """
        if not (
            isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))
        ):
            raise TypeError(
                f"throw() takes the exception to raise in place of {self!r}, not {type(error).__name__}; "
                "to raise the failure's own exception use raiseException()"
            )
        raise error from self._exception()

    @machinery
    def throwExceptionIntoGenerator(self, g: _Throwable[_T_co]) -> _T_co:
        """Throw the exception into a generator or coroutine; give what that yields next.

        Raises:
            What the generator raises, StopIteration included.
        """
        return g.throw(self._exception())

    # --- Text --------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{qualified_name(type(self))} {qualified_name(self.type)}: {self.getErrorMessage()}>"

    def __str__(self) -> str:
        return f"[Failure instance: {self.getBriefTraceback()}]"

    def getErrorMessage(self) -> str:
        """Give the exception's own words; a description of them when `str` of it raises."""
        return safe_str(self.value)

    def getBriefTraceback(self) -> str:
        """Give one line for the exception and one for each frame."""
        written = StringIO()
        self.printBriefTraceback(file=written)
        return written.getvalue()

    def getTraceback(self, elideFrameworkCode: int = 0, detail: str = "default") -> str:
        """Give the report as text.

        Args:
            elideFrameworkCode: leave out the frames of Selvage's own files, where there are others.
            detail: "default" (as the interpreter prints it), "brief" or "verbose" (with captured variables).

        Raises:
            ValueError: `detail` is none of these.
        """
        if type(self).printTraceback is Failure.printTraceback:
            return render(self, bool(elideFrameworkCode), detail)
        # A subclass that prints in a way of its own (a failure from another process) is asked to print here, too.
        written = StringIO()
        self.printTraceback(file=written, elideFrameworkCode=elideFrameworkCode, detail=detail)
        return written.getvalue()

    def printTraceback(
        self, file: TextIO | None = None, elideFrameworkCode: int = False, detail: str = "default"
    ) -> None:
        """Write `getTraceback` to `file`, or to standard error."""
        _write(render(self, bool(elideFrameworkCode), detail), file)

    def printBriefTraceback(self, file: TextIO | None = None, elideFrameworkCode: int = 0) -> None:
        """Write the brief report to `file`, or to standard error."""
        self.printTraceback(file, elideFrameworkCode, detail="brief")

    def printDetailedTraceback(self, file: TextIO | None = None, elideFrameworkCode: int = 0) -> None:
        """Write the verbose report to `file`, or to standard error."""
        self.printTraceback(file, elideFrameworkCode, detail="verbose")

    def pdb(self) -> None:
        """Open the debugger at the frame that raised, after the fact; see also `SELVAGE_PDB` in docs/howto/read-a-story.md.

        Raises:
            ValueError: there are no live frames any more.
        """
        from selvage.failure._debugger import post_mortem

        post_mortem(self)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """Print with colours where the rich library prints it: `rich.print(failure)`."""
        from selvage.failure._story import Story
        from selvage.failure._styled import styled

        text = console.render_str("", markup=False, emoji=False, highlight=False)
        for line in styled(Story.of(self, carets=True)):
            for piece in line:
                text.append(*piece)
            text.append("\n")
        text.right_crop(1)
        yield text

    # --- Letting go of live objects ----------------------------------------------------------------------------

    def getTracebackObject(self) -> TracebackType | FakeTraceback | None:
        """Give the traceback, or a look-alike made of the frame records once it is gone; None without frames."""
        if self.tb is not None:
            return self.tb
        frames = self.frames
        return fake_traceback(frames) if frames else None

    def cleanFailure(self) -> None:
        """Replace references to frames and captured variables by text, so that the objects can be freed.

        The report stays what it was. The exception itself loses its traceback; its cause and context keep theirs.
        """
        self.__setstate__(self.__getstate__())
        if isinstance(self.value, BaseException):
            self.value.__traceback__ = None

    def __getstate__(self) -> dict[str, Any]:
        """Give everything but live frames, as Twisted's pickles have it."""
        frames = self.frames
        if self.captureVars and not self.pickled:
            from selvage.failure._locals import describe_all

            frames = [
                (name, filename, line, describe_all(local_variables), describe_all(global_variables))
                for name, filename, line, local_variables, global_variables in frames
            ]
        return {
            **_own_dict(self),
            "count": self.count,
            "type": self.type,
            "value": self.value,
            "captureVars": self.captureVars,
            "tb": None,
            "parents": self.parents,
            "stack": self._stack_records(),
            "pickled": 1,
            "frames": frames,
            "story": self._told(carets=True),
        }

    def _told(self, carets: bool = False) -> Story:
        """Give the story, in a form that outlives the frames."""
        from selvage.failure._locals import Locals
        from selvage.failure._story import Teller

        return Teller(carets, Locals() if self.captureVars else None).tell(self)

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        for name, value in (state or {}).items():
            if name == "stack" and not value:
                continue
            if name == "links":
                from selvage.failure._parcel import unpack_links

                unpack_links(self.value, value)
                continue
            if name == "story" and isinstance(value, dict):
                from selvage.failure._story import Story

                value = Story.from_dict(value)
            name = _PRIVATE_NAMES.get(name, name)
            if name in _SLOTS:
                setattr(self, name, value)
            else:
                _own_dict(self)[name] = value

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        # BaseException would call the class with its arguments; the state says all.
        from selvage.failure._parcel import pack

        return _empty, (type(self),), pack(self.__getstate__())

    def __copy__(self) -> Failure:
        # By way of `__reduce__` it would lose its traceback.
        made = _empty(type(self))
        made._adopt(self)
        return made

    @property
    def __dict__(self) -> dict[str, Any]:
        """A copy of what the slots and the instance's own dictionary hold, under the names that Twisted uses."""
        names = ("count", "type", "value", "captureVars", "tb")
        facts = {name: getattr(self, name) for name in names if hasattr(self, name)}
        facts.update((name, getattr(self, name)) for name in _CACHES if hasattr(self, name))
        facts.update(_own_dict(self))
        return facts

    @__dict__.setter
    def __dict__(self, state: dict[str, Any]) -> None:
        self.__setstate__(state)


special_results.add(Failure)


# Those that Twisted's have as well, and are seen in `vars(failure)`.
_CACHES = ("_frames", "_parents", "_stack")
_SLOTS = frozenset({"_count", "_story", "captureVars", "tb", "type", "value", *_CACHES})
_PRIVATE_NAMES = {name: f"_{name}" for name in ("count", "frames", "parents", "stack", "story")}

_own_dict: Callable[[BaseException], dict[str, Any]] = BaseException.__dict__["__dict__"].__get__
"""Gives the instance dictionary of an exception: what users set, since our own attributes are slots."""


def _from_own_dict(self: Failure, name: str) -> Any:
    """Find an attribute whose slot is empty in the instance dictionary, under its private or its public name."""
    own = _own_dict(self)
    for each in (name, name.removeprefix("_")) if name in _SLOTS else (name,):
        if each in own:
            return own[each]
    raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


def _empty(cls: type[Failure]) -> Failure:
    """Make a Failure without any attribute, for unpickling."""
    return cls.__new__(cls)


def _cover(group: BaseExceptionGroup[BaseException], candidates: Sequence[Any]) -> Any:
    """Give the first candidate that an exception in `group` is an instance of; None unless each has one."""
    classes = tuple(each for each in candidates if isinstance(each, type) and issubclass(each, BaseException))
    _, rest = group.split(classes)
    if rest is not None:
        return None
    for cls in classes:
        if group.subgroup(cls) is not None:
            return cls
    return None


def _warn_of_stack() -> None:
    warnings.warn(
        "twisted.python.failure.Failure.stack was deprecated in Twisted 24.10.0",
        DeprecationWarning,
        stacklevel=3,
    )


def _write(text: str, file: TextIO | None) -> None:
    if file is None:
        file = sys.stderr
    if file is not None:
        file.write(text)


def failure(exc: BaseException) -> Failure:
    """Make a Failure of an exception; a Failure is returned as it is.

    Raises:
        TypeError: `exc` is something else.
    """
    if isinstance(exc, Failure):
        return exc
    if not isinstance(exc, BaseException):
        hint = f"call it: failure({exc.__name__}())" if isinstance(exc, type) else "wrap it in an exception"
        raise TypeError(f"failure() takes an exception, not {safe_repr(exc)}; {hint}")
    return Failure(exc)


#: What `Failure.__init__` is outside debug mode. Who makes Failures on a shorter way (`selvage.defer`) asks whether it
#: still is.
plain_init = Failure.__init__


def _failure_of(exc: BaseException) -> Failure:
    """Make a Failure of an exception, in debug mode too without a debugger; a Failure is returned as it is."""
    if isinstance(exc, Failure):
        return exc
    made = Failure.__new__(Failure)
    plain_init(made, exc)
    return made


late.failure_of = _failure_of
