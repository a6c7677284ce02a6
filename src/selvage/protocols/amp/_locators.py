"""Finding who responds to a command.  Floor 3."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any, ClassVar

from selvage.defer import Deferred, maybeDeferred
from selvage.failure import Failure
from selvage.interfaces import implementer
from selvage.protocols.amp._errors import BadLocalReturn, RemoteAmpError
from selvage.protocols.amp._interfaces import IResponderLocator

__all__ = ["CommandLocator", "SimpleStringLocator", "declare_responder"]

# (command, function) of those that were declared in the body of a class that is about to be.
_declared: list[tuple[Any, Callable[..., Any]]] = []


def declare_responder(command: Any, function: Callable[..., Any]) -> None:
    """Have `function` respond to a command in the next class of `CommandLocator` that is made."""
    _declared.append((command, function))


@implementer(IResponderLocator)
class CommandLocator:
    """Responds to the commands for which its class has responders.

    Twisted: `twisted.protocols.amp.CommandLocator`.
    """

    _commandDispatch: ClassVar[dict[bytes, tuple[Any, Callable[..., Any]]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared, _declared[:] = _declared[:], []
        dispatch: dict[bytes, tuple[Any, Callable[..., Any]]] = {}
        for ancestor in reversed(cls.__mro__[1:]):
            dispatch.update(vars(ancestor).get("_commandDispatch", {}))
        dispatch.update({command.commandName: (command, function) for command, function in declared})
        cls._commandDispatch = dispatch
        if "lookupFunction" in vars(cls) and "locateResponder" not in vars(cls):
            # Written when `locateResponder` was called so.
            setattr(cls, "locateResponder", _ask_lookup_function)  # noqa: B010 - checkers want no assignment

    def locateResponder(self, name: bytes) -> Callable[[Any], Deferred[Any]] | None:
        """Return what takes the box of a command and returns a Deferred of the answer's; None for nobody."""
        if name not in self._commandDispatch:
            return None
        command, function = self._commandDispatch[name]
        return self._wrapWithSerialization(MethodType(function, self), command)

    def lookupFunction(self, name: bytes) -> Callable[[Any], Deferred[Any]] | None:
        """Do as `locateResponder`, which is how it is called now."""
        if type(self).lookupFunction is not CommandLocator.lookupFunction:
            return CommandLocator.locateResponder(self, name)
        warnings.warn("Call locateResponder, not lookupFunction.", PendingDeprecationWarning, stacklevel=2)
        return self.locateResponder(name)

    def _wrapWithSerialization(
        self, aCallable: Callable[..., Any], command: Any
    ) -> Callable[[Any], Deferred[Any]]:
        """Let a function of objects be called with a box."""

        def respond(box: Any) -> Deferred[Any]:
            arguments = command.parseArguments(box, self)
            answer: Deferred[Any] = maybeDeferred(aCallable, **arguments)
            return answer.addCallback(into_box).addErrback(declared_error)

        def into_box(objects: Any) -> Any:
            try:
                return command.makeResponse(objects, self)
            except Exception as error:
                raise BadLocalReturn(
                    f"{aCallable!r} returned {objects!r} and {command!r} could not serialize it", Failure()
                ) from error

        def declared_error(failure: Failure) -> Failure:
            kind: Any = failure.trap(*command.allErrors)
            code = command.allErrors[kind]
            fatal = kind in command.fatalErrors
            return Failure(RemoteAmpError(code, str(failure.value), fatal, local=failure))

        return respond


def _ask_lookup_function(self: CommandLocator, name: bytes) -> Any:
    warnings.warn("Override locateResponder, not lookupFunction.", PendingDeprecationWarning, stacklevel=2)
    return self.lookupFunction(name)


@implementer(IResponderLocator)
class SimpleStringLocator:
    """Responds to the command "name" by its method `amp_NAME`, from box to box."""

    baseDispatchPrefix = b"amp_"

    def locateResponder(self, name: bytes) -> Any:
        """Return that method, or None."""
        method = (self.baseDispatchPrefix + name.upper()).decode("ascii", "backslashreplace")
        return getattr(self, method, None)
