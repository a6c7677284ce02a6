"""Parameters of key exchanges.  Floor 2."""

from __future__ import annotations

import os
from typing import Any, Self

__all__ = ["DiffieHellmanParameters", "default_curve", "path_of"]

#: The curve that every peer knows, for programs that set one on contexts of pyOpenSSL.
default_curve = "prime256v1"


def path_of(file: Any) -> str:
    """Return the path of what may be a `FilePath` of Twisted, a path object, text or bytes."""
    return os.fsdecode(getattr(file, "path", file))


class DiffieHellmanParameters:
    """Parameters for key exchange by Diffie and Hellman over finite fields; few clients use it any more.

    Args:
        parameters: the file that has them, in PEM, made by `openssl dhparam`.

    Twisted: `twisted.internet.ssl.DiffieHellmanParameters`.
    """

    def __init__(self, parameters: Any) -> None:
        self._dhFile = parameters

    @classmethod
    def fromFile(cls, filePath: Any) -> Self:
        """Take them from a file: a path, or a `FilePath`."""
        return cls(filePath)
