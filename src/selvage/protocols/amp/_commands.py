"""Commands: what is asked, what is answered, which errors may come.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.protocols.amp._arguments import objects_to_strings, python_name, strings_to_objects
from selvage.protocols.amp._box import AmpBox
from selvage.protocols.amp._errors import InvalidSignature, RemoteAmpError, UnknownRemoteError
from selvage.protocols.amp._locators import declare_responder

__all__ = ["Command"]

_F = TypeVar("_F", bound=Callable[..., Any])
_Errors = dict[type[BaseException], bytes]


class Command:
    """A question and its answer, declared as a class:

        class Sum(Command):
            arguments = [(b"a", Integer()), (b"b", Integer())]
            response = [(b"total", Integer())]
            errors = {OverflowError: b"OVERFLOW"}

    Attributes:
        commandName: bytes; by default the name of the class.
        arguments, response: (name, type) of each part.
        errors: exceptions that responders may raise -> their codes; fatalErrors: those after which the connection ends.
            Both are inherited, and may be a list of pairs.
        requiresAnswer: whether who asks wants to hear of the answer.
        commandType, responseType: the kinds of box.

    Twisted: `twisted.protocols.amp.Command`.
    """

    commandName: ClassVar[bytes]
    arguments: ClassVar[Any] = []
    response: ClassVar[Any] = []
    extra: ClassVar[Any] = []
    errors: ClassVar[Any] = {}
    fatalErrors: ClassVar[Any] = {}
    commandType: ClassVar[Any] = AmpBox
    responseType: ClassVar[Any] = AmpBox
    requiresAnswer: ClassVar[bool] = True

    #: All errors by class, and by code; made from `errors` and `fatalErrors`.
    allErrors: ClassVar[_Errors] = {}
    reverseErrors: ClassVar[dict[bytes, type[BaseException]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "commandName" not in vars(cls):
            cls.commandName = cls.__name__.encode("ascii")
        cls.errors = _inherited(cls, "errors")
        cls.fatalErrors = _inherited(cls, "fatalErrors")
        _demand_bytes("Command", [cls.commandName])
        _demand_bytes("Argument", (name for name, _ in cls.arguments))
        _demand_bytes("Response", (name for name, _ in cls.response))
        _demand_bytes("Error", cls.errors.values())
        _demand_bytes("Fatal error", cls.fatalErrors.values())
        cls.allErrors = {**cls.errors, **cls.fatalErrors}
        cls.reverseErrors = {code: kind for kind, code in cls.allErrors.items()}

    def __init__(self, **kw: Any) -> None:
        self.structured = kw
        names = [python_name(name) for name, kind in self.arguments if not kind.optional]
        forgotten = [name for name in names if name not in kw]
        if forgotten:
            raise InvalidSignature(f"forgot {', '.join(forgotten)} for {self.commandName!r}")

    @classmethod
    def makeArguments(cls, objects: dict[str, Any], proto: Any) -> Any:
        """Write the arguments into a box.

        Raises:
            InvalidSignature: the command has no such argument.
        """
        allowed = {python_name(name) for name, _ in cls.arguments}
        for name in objects:
            if name not in allowed:
                raise InvalidSignature(f"{name} is not a valid argument of {cls.commandName!r}")
        return objects_to_strings(objects, cls.arguments, cls.commandType(), proto)

    @classmethod
    def parseArguments(cls, box: Any, protocol: Any) -> dict[str, Any]:
        """Read the arguments."""
        return strings_to_objects(box, cls.arguments, protocol)

    @classmethod
    def makeResponse(cls, objects: dict[str, Any], proto: Any) -> Any:
        """Write the answer into a box."""
        return objects_to_strings(objects, cls.response, cls.responseType(), proto)

    @classmethod
    def parseResponse(cls, box: Any, protocol: Any) -> dict[str, Any]:
        """Read the answer."""
        return strings_to_objects(box, cls.response, protocol)

    @classmethod
    def responder(cls, methodfunc: _F) -> _F:
        """Decorate a method of a `CommandLocator` that responds to this command.

        It is called with the arguments by name, and returns the answer as a dictionary, a Deferred of one, or is a
        coroutine function.
        """
        declare_responder(cls, methodfunc)
        return methodfunc

    def _doCommand(self, proto: Any) -> Deferred[Any] | None:
        """Send it; fires with the answer."""
        answer: Deferred[Any] | None = proto._sendBoxCommand(
            self.commandName, self.makeArguments(self.structured, proto), self.requiresAnswer
        )
        if answer is not None:
            answer.addCallback(self.parseResponse, proto).addErrback(self._named_error)
        return answer

    def _named_error(self, failure: Failure) -> Failure:
        """Make of an error's code the exception that the command declares for it."""
        failure.trap(RemoteAmpError)
        error: Any = failure.value
        kind: Any = self.reverseErrors.get(error.errorCode, UnknownRemoteError)
        return Failure(kind(error.description))


def _inherited(cls: type[Command], name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for ancestor in reversed(cls.__mro__):
        declared: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = vars(ancestor).get(name, {})
        found.update(declared)
    return found


def _demand_bytes(what: str, names: Iterable[Any]) -> None:
    for name in names:
        if not isinstance(name, bytes):
            raise TypeError(f"{what} names must be byte strings, got: {name!r}")


Command.commandName = b"Command"
