"""`twisted.python.failure`: exceptions as values."""

from selvage.failure import (
    DO_POST_MORTEM as DO_POST_MORTEM,
    EXCEPTION_CAUGHT_HERE as EXCEPTION_CAUGHT_HERE,
    DefaultException as DefaultException,
    Failure as Failure,
    NoCurrentExceptionError as NoCurrentExceptionError,
    format_frames as format_frames,
    startDebugMode as startDebugMode,
)
from selvage.failure._failure import (
    count as count,
    traceupLength as traceupLength,
)
from selvage.failure._frames import (
    FakeCode as _Code,  # noqa: F401
    FakeFrame as _Frame,  # noqa: F401
    FakeTraceback as _TracebackFrame,  # noqa: F401
    fake_traceback as _Traceback,  # noqa: F401
    machinery as _extraneous,  # noqa: F401
)
