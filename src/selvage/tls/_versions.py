"""Versions of TLS, and ranges of them.  Floor 2."""

from __future__ import annotations

import ssl

from selvage.logger import Names

__all__ = ["METHODS", "TLSVersion", "method_range", "version_flags", "version_range"]


class TLSVersion(Names):
    """The versions, in order of their strength.

    Twisted: `twisted.internet.ssl.TLSVersion`.
    """

    SSLv3 = 0
    TLSv1_0 = 1
    TLSv1_1 = 2
    TLSv1_2 = 3
    TLSv1_3 = 4


#: What nobody gets below of without asking for it: RFC 8996 retired what came before.
DEFAULT_MINIMUM = TLSVersion.TLSv1_2

#: What switches each version off.
_OFF = {
    TLSVersion.SSLv3: int(ssl.OP_NO_SSLv3),
    TLSVersion.TLSv1_0: int(ssl.OP_NO_TLSv1),
    TLSVersion.TLSv1_1: int(ssl.OP_NO_TLSv1_1),
    TLSVersion.TLSv1_2: int(ssl.OP_NO_TLSv1_2),
    TLSVersion.TLSv1_3: int(ssl.OP_NO_TLSv1_3),
}

#: The numbers of pyOpenSSL's methods, by name, with the one version that each stands for; None for all there are.
METHODS: dict[str, tuple[int, TLSVersion | None]] = {
    "SSLv23_METHOD": (3, None),
    "TLSv1_METHOD": (4, TLSVersion.TLSv1_0),
    "TLSv1_1_METHOD": (5, TLSVersion.TLSv1_1),
    "TLSv1_2_METHOD": (6, TLSVersion.TLSv1_2),
    "TLS_METHOD": (7, None),
    "TLS_SERVER_METHOD": (8, None),
    "TLS_CLIENT_METHOD": (9, None),
}

TLS_METHOD = METHODS["TLS_METHOD"][0]


def version_range(
    raised: TLSVersion | None, lowered: TLSVersion | None, highest: TLSVersion | None
) -> tuple[TLSVersion, TLSVersion | None]:
    """Return the lowest and the highest version for the three arguments of `CertificateOptions`.

    Raises:
        ValueError: the lowest is above the highest.
    """
    name = "raiseMinimumTo" if raised is not None else "insecurelyLowerMinimumTo"
    asked = raised if raised is not None else lowered
    if asked is not None and highest is not None and asked > highest:
        raise ValueError(f"{name} needs to be lower than lowerMaximumSecurityTo")
    if lowered is not None:
        return lowered, highest
    lowest = DEFAULT_MINIMUM if raised is None else max(raised, DEFAULT_MINIMUM)
    # Who only lowers the maximum gets that one version.
    return (lowest if highest is None else min(lowest, highest)), highest


def version_flags(lowest: TLSVersion, highest: TLSVersion | None) -> int:
    """Return the options of OpenSSL that switch off all outside a range."""
    flags = 0
    for version, off in _OFF.items():
        if version < lowest or (highest is not None and version > highest):
            flags |= off
    return flags


def method_range(method: int) -> tuple[TLSVersion, TLSVersion | None]:
    """Return lowest and highest version of a method; all but SSLv3, which OpenSSL has dropped, where it names none."""
    for number, only in METHODS.values():
        if number == method and only is not None:
            return only, only
    return TLSVersion.TLSv1_0, None


#: As the standard library calls them.
STANDARD = {
    TLSVersion.SSLv3: ssl.TLSVersion.SSLv3,
    TLSVersion.TLSv1_0: ssl.TLSVersion.TLSv1,
    TLSVersion.TLSv1_1: ssl.TLSVersion.TLSv1_1,
    TLSVersion.TLSv1_2: ssl.TLSVersion.TLSv1_2,
    TLSVersion.TLSv1_3: ssl.TLSVersion.TLSv1_3,
}
