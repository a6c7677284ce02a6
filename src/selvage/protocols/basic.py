"""Protocols that cut the stream into lines and strings, and a producer that sends files.  Floor 3.

Twisted: all of `twisted.protocols.basic`.  `DEBUG` is there because it is there; nothing reads it.
"""

from selvage._publish import publish
from selvage.protocols._file_sender import FileSender as FileSender
from selvage.protocols._framing import NetstringParseError as NetstringParseError
from selvage.protocols._lines import LineOnlyReceiver as LineOnlyReceiver, LineReceiver as LineReceiver
from selvage.protocols._netstrings import (
    IncompleteNetstring as IncompleteNetstring,
    NetstringReceiver as NetstringReceiver,
    StatefulStringProtocol as StatefulStringProtocol,
)
from selvage.protocols._pausing import _PauseableMixin as _PauseableMixin
from selvage.protocols._prefixed import (
    Int8StringReceiver as Int8StringReceiver,
    Int16StringReceiver as Int16StringReceiver,
    Int32StringReceiver as Int32StringReceiver,
    IntNStringReceiver as IntNStringReceiver,
    StringTooLongError as StringTooLongError,
)

__all__ = [
    "FileSender",
    "IncompleteNetstring",
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "LineOnlyReceiver",
    "LineReceiver",
    "NetstringParseError",
    "NetstringReceiver",
    "StatefulStringProtocol",
    "StringTooLongError",
]

DEBUG = 0

publish(globals())
