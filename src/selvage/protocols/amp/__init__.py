"""AMP, the asynchronous messaging protocol: commands with typed arguments, in both directions over one connection.  Floor 3.

    class Sum(Command):
        arguments = [(b"a", Integer()), (b"b", Integer())]
        response = [(b"total", Integer())]

    class Adder(AMP):
        @Sum.responder
        def sum(self, a, b):
            return {"total": a + b}

Nothing is unpickled, and nobody gets more than the responders give.
Source: the protocol's description (amp-protocol.net).  Twisted: `twisted.protocols.amp`.
"""

from selvage._publish import publish
from selvage.protocols.amp._amp import AMP as AMP
from selvage.protocols.amp._arguments import (
    PYTHON_KEYWORDS as PYTHON_KEYWORDS,
    AmpList as AmpList,
    Argument as Argument,
    Boolean as Boolean,
    DateTime as DateTime,
    Decimal as Decimal,
    Descriptor as Descriptor,
    Float as Float,
    Integer as Integer,
    ListOf as ListOf,
    Path as Path,
    String as String,
    Unicode as Unicode,
)
from selvage.protocols.amp._box import (
    ANSWER as ANSWER,
    ASK as ASK,
    COMMAND as COMMAND,
    ERROR as ERROR,
    ERROR_CODE as ERROR_CODE,
    ERROR_DESCRIPTION as ERROR_DESCRIPTION,
    MAX_KEY_LENGTH as MAX_KEY_LENGTH,
    MAX_VALUE_LENGTH as MAX_VALUE_LENGTH,
    AmpBox as AmpBox,
    QuitBox as QuitBox,
    parse as parse,
    parseString as parseString,
)
from selvage.protocols.amp._commands import Command as Command
from selvage.protocols.amp._connection import BinaryBoxProtocol as BinaryBoxProtocol
from selvage.protocols.amp._dates import utc as utc
from selvage.protocols.amp._dispatch import BoxDispatcher as BoxDispatcher
from selvage.protocols.amp._errors import (
    PROTOCOL_ERRORS as PROTOCOL_ERRORS,
    UNHANDLED_ERROR_CODE as UNHANDLED_ERROR_CODE,
    UNKNOWN_ERROR_CODE as UNKNOWN_ERROR_CODE,
    AmpError as AmpError,
    BadLocalReturn as BadLocalReturn,
    IncompatibleVersions as IncompatibleVersions,
    InvalidSignature as InvalidSignature,
    MalformedAmpBox as MalformedAmpBox,
    NoEmptyBoxes as NoEmptyBoxes,
    OnlyOneTLS as OnlyOneTLS,
    ProtocolSwitched as ProtocolSwitched,
    RemoteAmpError as RemoteAmpError,
    TooLong as TooLong,
    UnhandledCommand as UnhandledCommand,
    UnknownRemoteError as UnknownRemoteError,
)
from selvage.protocols.amp._interfaces import (
    IArgumentType as IArgumentType,
    IBoxReceiver as IBoxReceiver,
    IBoxSender as IBoxSender,
    IResponderLocator as IResponderLocator,
)
from selvage.protocols.amp._locators import (
    CommandLocator as CommandLocator,
    SimpleStringLocator as SimpleStringLocator,
)
from selvage.protocols.amp._switch import ProtocolSwitchCommand as ProtocolSwitchCommand
from selvage.protocols.amp._tls import StartTLS as StartTLS

#: The kind of box that most boxes are.
Box = AmpBox

__all__ = [
    "AMP",
    "ANSWER",
    "ASK",
    "COMMAND",
    "ERROR",
    "ERROR_CODE",
    "ERROR_DESCRIPTION",
    "MAX_KEY_LENGTH",
    "MAX_VALUE_LENGTH",
    "PROTOCOL_ERRORS",
    "PYTHON_KEYWORDS",
    "UNHANDLED_ERROR_CODE",
    "UNKNOWN_ERROR_CODE",
    "AmpBox",
    "AmpError",
    "AmpList",
    "Argument",
    "BadLocalReturn",
    "BinaryBoxProtocol",
    "Boolean",
    "Box",
    "BoxDispatcher",
    "Command",
    "CommandLocator",
    "DateTime",
    "Decimal",
    "Descriptor",
    "Float",
    "IArgumentType",
    "IBoxReceiver",
    "IBoxSender",
    "IResponderLocator",
    "IncompatibleVersions",
    "Integer",
    "InvalidSignature",
    "ListOf",
    "MalformedAmpBox",
    "NoEmptyBoxes",
    "OnlyOneTLS",
    "Path",
    "ProtocolSwitchCommand",
    "ProtocolSwitched",
    "QuitBox",
    "RemoteAmpError",
    "SimpleStringLocator",
    "StartTLS",
    "String",
    "TooLong",
    "UnhandledCommand",
    "Unicode",
    "UnknownRemoteError",
    "parse",
    "parseString",
    "utc",
]

publish(globals())
