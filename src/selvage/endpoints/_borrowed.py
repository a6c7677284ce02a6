"""What endpoints need of parts that Selvage does not have natively yet: TLS, standard input and output, plugins.  Floor 3.

A program that runs under the wing, or has imported Twisted anyway, has these parts: they are taken from there, by name
and at the moment of use.  No program has Twisted imported behind its back.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__all__ = ["borrow", "borrow_or_none"]


def borrow(module: str, name: str, what: str) -> Any:
    """Return `name` of the module `twisted.<module>`.

    Args:
        what: names the ability in the error message, as in "TLS".

    Raises:
        NotImplementedError: there is no Twisted in this process, or it lacks what this module needs.
    """
    if "twisted" not in sys.modules:
        raise NotImplementedError(
            f"Selvage has no {what} of its own yet: install Twisted with its extra 'tls' and call "
            "selvage.install_twisted() before anything is imported from it"
        )
    try:
        return getattr(import_module(f"twisted.{module}"), name)
    except ImportError as error:
        raise NotImplementedError(f"{what} is not available: {error}; pip install 'twisted[tls]'") from error


def borrow_or_none(module: str, name: str) -> Any:
    """Return `name` of the module `twisted.<module>`, or None when there is none in this process."""
    try:
        return borrow(module, name, name)
    except NotImplementedError:
        return None
