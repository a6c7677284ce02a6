"""What is missing when a connection ends within a body.  Floor 4; imports nothing of ours.

Twisted: the exceptions of these names in `twisted.web.http`.
"""

from __future__ import annotations

__all__ = ["PotentialDataLoss", "_DataLoss"]


class _DataLoss(Exception):
    """The connection ended before the body did, whose length was known."""


class PotentialDataLoss(Exception):
    """The connection ended, and nothing says whether the body was whole: only the end of the connection marks its end."""
