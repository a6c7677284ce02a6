"""`twisted.internet.inotify`: hearing of changes to files."""

from selvage.transports.inotify import (
    _FLAG_TO_HUMAN as _FLAG_TO_HUMAN,
    IN_ACCESS as IN_ACCESS,
    IN_ATTRIB as IN_ATTRIB,
    IN_CHANGED as IN_CHANGED,
    IN_CLOSE as IN_CLOSE,
    IN_CLOSE_NOWRITE as IN_CLOSE_NOWRITE,
    IN_CLOSE_WRITE as IN_CLOSE_WRITE,
    IN_CREATE as IN_CREATE,
    IN_DELETE as IN_DELETE,
    IN_DELETE_SELF as IN_DELETE_SELF,
    IN_DONT_FOLLOW as IN_DONT_FOLLOW,
    IN_IGNORED as IN_IGNORED,
    IN_ISDIR as IN_ISDIR,
    IN_MASK_ADD as IN_MASK_ADD,
    IN_MODIFY as IN_MODIFY,
    IN_MOVE_SELF as IN_MOVE_SELF,
    IN_MOVED as IN_MOVED,
    IN_MOVED_FROM as IN_MOVED_FROM,
    IN_MOVED_TO as IN_MOVED_TO,
    IN_ONESHOT as IN_ONESHOT,
    IN_ONLYDIR as IN_ONLYDIR,
    IN_OPEN as IN_OPEN,
    IN_Q_OVERFLOW as IN_Q_OVERFLOW,
    IN_UNMOUNT as IN_UNMOUNT,
    IN_WATCH_MASK as IN_WATCH_MASK,
    INotify as INotify,
    INotifyError as INotifyError,
    humanReadableMask as humanReadableMask,
)

__all__ = ["INotify", "humanReadableMask"]
