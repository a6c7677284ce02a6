"""What `render` may return besides a body.  Floor 4."""

from __future__ import annotations

__all__ = ["NOT_DONE_YET"]

#: The answer is not complete: `request.finish()` will be called.  The value is Twisted's.
NOT_DONE_YET = 1
