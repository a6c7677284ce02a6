"""`twisted.protocols.basic`: lines, netstrings, strings with a length, and files to send."""

from selvage.protocols.basic import (
    DEBUG as DEBUG,
    FileSender as FileSender,
    IncompleteNetstring as IncompleteNetstring,
    Int8StringReceiver as Int8StringReceiver,
    Int16StringReceiver as Int16StringReceiver,
    Int32StringReceiver as Int32StringReceiver,
    IntNStringReceiver as IntNStringReceiver,
    LineOnlyReceiver as LineOnlyReceiver,
    LineReceiver as LineReceiver,
    NetstringParseError as NetstringParseError,
    NetstringReceiver as NetstringReceiver,
    StatefulStringProtocol as StatefulStringProtocol,
    StringTooLongError as StringTooLongError,
    _PauseableMixin as _PauseableMixin,
)
