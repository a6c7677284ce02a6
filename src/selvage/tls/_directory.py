"""A directory of PEM files as the certificates of a server with many names.  Floor 2.

How the files are called and cut does not matter: certificates, the authorities between them and the root, and private keys
may lie together or apart, in subdirectories, too.  What belongs together is found by what is in them.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from selvage import _events
from selvage.tls._certificates import Certificate
from selvage.tls._keys import private_pem
from selvage.tls._options import CertificateOptions
from selvage.tls._pairs import KeyPair
from selvage.tls._parameters import path_of
from selvage.tls._pem import MAX_PEM_BYTES, certificates_in, key_in, mismatch

__all__ = ["DirectoryOfPEMs", "PEMObjects", "autoReloadingDirectoryOfPEMs", "names_of", "with_wildcard"]

#: Seconds between two looks at the directory: often enough for who has just put a certificate there, and nothing beside
#: a handshake.
RELOAD_INTERVAL_S = 1.0

#: Authorities between a certificate and the root; the web's have one or two, and a ring of them has no end.
MAX_CHAIN = 9

#: The file whose certificate is for clients that name no host, or one that nobody has a certificate for when they name none.
DEFAULT_FILE = "default.pem"


def names_of(certificate: Certificate) -> list[str]:
    """Return the host names that a certificate is for, in ASCII and lower case; wildcards as they are written."""
    return [value.lower() for kind, value in certificate._read().get("subjectAltName", ()) if kind == "DNS"]


class PEMObjects:
    """Certificates and keys, each with the file that it is from.

    Args:
        _certificates: pairs of a path and a `Certificate`.
        _keyPairs: pairs of a path and a `KeyPair`.

    Attributes:
        problems: what could not be used, as texts that name the file.
        unused_keys: of `_keyPairs` those that belong to no certificate; known after `inferDomainMapping`.

    Twisted: `twisted.protocols._sni.PEMObjects`.
    """

    def __init__(
        self,
        _certificates: list[tuple[Any, Certificate]] | None = None,
        _keyPairs: list[tuple[Any, KeyPair]] | None = None,
    ) -> None:
        self._certificates = [] if _certificates is None else _certificates
        self._keyPairs = [] if _keyPairs is None else _keyPairs
        self.problems: list[str] = []
        self.unused_keys: list[tuple[Any, KeyPair]] = []

    @classmethod
    def fromDirectory(cls, directory: Any) -> PEMObjects:
        """Read all `.pem` files in a directory and the directories in it.

        Args:
            directory: a path, or a `FilePath`.
        """
        made = cls()
        for path in _pem_files(path_of(directory)):
            made._read(path)
        return made

    @classmethod
    def fromFile(cls, fp: Any) -> PEMObjects:
        """Read one file.

        Args:
            fp: a path, or a `FilePath`.
        """
        made = cls()
        made._read(path_of(fp))
        return made

    def _read(self, path: str) -> None:
        try:
            if os.path.getsize(path) > MAX_PEM_BYTES:
                raise ValueError(f"it has more than {MAX_PEM_BYTES} bytes")
            data = Path(path).read_bytes()
            certificates = [(path, Certificate(each)) for each in certificates_in(data)]
            for _, certificate in certificates:
                certificate._read()
            key = key_in(data)
        except (OSError, ValueError) as error:
            self.problems.append(f"{path}: {error}")
            return
        self._certificates += certificates
        if key is not None:
            self._keyPairs.append((path, KeyPair(key)))

    def inferDomainMapping(self) -> dict[str, CertificateOptions]:
        """Find out which certificate is for which name.

        Returns:
            By name, in ASCII and lower case, options with certificate, key and chain.  Of several certificates for one name
            the one that is valid for longest counts; `DEFAULT_FILE`'s come first, then the others by their paths.
        """
        by_subject = {repr(each._read()["subject"]): each for _, each in self._certificates}
        issuers = {repr(each._read()["issuer"]) for _, each in self._certificates if not _is_root(each)}
        found: dict[str, tuple[float, CertificateOptions]] = {}
        used = set()
        for path, certificate in sorted(self._certificates, key=_default_first):
            names = names_of(certificate)
            if not names:
                continue
            key = self._key_of(path, certificate)
            if key is None:
                if repr(certificate._read()["subject"]) not in issuers:
                    self.problems.append(f"{path}: there is no private key for the certificate of {names[0]}")
                continue
            used.add(id(key))
            expires = _expires(certificate)
            options = CertificateOptions(
                privateKey=key, certificate=certificate, extraCertChain=_chain(certificate, by_subject)
            )
            for name in names:
                if name not in found or found[name][0] < expires:
                    found[name] = (expires, options)
        self.unused_keys = [pair for pair in self._keyPairs if id(pair[1]) not in used]
        return {name: options for name, (_, options) in found.items()}

    def _key_of(self, path: Any, certificate: Certificate) -> KeyPair | None:
        """Find a certificate's key: most often it is in the same file, or the same directory."""

        def distance(pair: tuple[Any, KeyPair]) -> tuple[bool, bool]:
            return pair[0] != path, os.path.dirname(path_of(pair[0])) != os.path.dirname(path_of(path))

        der = certificate._der()
        for _, key in sorted(self._keyPairs, key=distance):
            if mismatch(der, private_pem(key)) is None:
                return key
        return None


def _pem_files(directory: str) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(".pem"):
                yield os.path.join(folder, name)


def _hash(key: KeyPair) -> str:
    """Return a key's hash, where the extra is there that can tell."""
    try:
        return key.keyHash()
    except ImportError:
        return "unknown"


def _default_first(item: tuple[Any, Certificate]) -> tuple[bool, str]:
    path = path_of(item[0])
    return os.path.basename(path).lower() != DEFAULT_FILE, path


def _is_root(certificate: Certificate) -> bool:
    return bool(certificate._read()["issuer"] == certificate._read()["subject"])


def _chain(certificate: Certificate, by_subject: Mapping[str, Certificate]) -> list[Certificate]:
    """Return the authorities above a certificate, its own first, without the root: clients have that, or do not trust it."""
    chain: list[Certificate] = []
    current = certificate
    while not _is_root(current) and len(chain) < MAX_CHAIN:
        issuer = by_subject.get(repr(current._read()["issuer"]))
        if issuer is None or _is_root(issuer):
            break
        chain.append(issuer)
        current = issuer
    return chain


def _expires(certificate: Certificate) -> float:
    return ssl.cert_time_to_seconds(certificate._read()["notAfter"])


def with_wildcard(lookup: Callable[[bytes | None], Any], name: bytes | None) -> Any:
    """Look a name up, then the wildcard that covers it: `a.example.com`, `*.example.com`."""
    found = lookup(name)
    if found is None and name is not None and b"." in name:
        found = lookup(b"*." + name.partition(b".")[2])
    return found


class DirectoryOfPEMs:
    """The certificates of a directory by name, looked at again when it has changed.

    A new version that has problems (a key that has not come yet, a file that is cut off) is told in the log, and what was
    good before stays in use for its names.

    Args:
        path: the directory; a path, or a `FilePath`.
        seconds: tells the time.

    Raises:
        OSError: there is no such directory.

    Calling it with a name returns the `OpenSSL.SSL.Context` for it, or None, as `SNIConnectionCreator` of Twisted wants it;
    `options_for` does the same with `CertificateOptions`, and without the extra `tls`.
    """

    def __init__(self, path: Any, seconds: Callable[[], float] = time.monotonic) -> None:
        self.path = path_of(path)
        self._seconds = seconds
        self._looked_at = -RELOAD_INTERVAL_S + seconds()  # it is read when it is first asked
        self._state: dict[str, tuple[int, int]] = {}
        self._options: dict[str, CertificateOptions] = {}
        os.scandir(self.path).close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}: {len(self._options)} names>"

    def __call__(self, name: bytes | None) -> Any:
        options = self.options_for(name)
        return None if options is None else options.getContext()

    def options_for(self, name: bytes | None) -> CertificateOptions | None:
        """Return the options for a name.

        Args:
            name: what the client asks for, in ASCII; None for the default, which is the certificate of `default.pem`, or
                else that of the first file.
        """
        now = self._seconds()
        if now - self._looked_at >= RELOAD_INTERVAL_S:
            self._looked_at = now
            self._reload()
        found: CertificateOptions | None = with_wildcard(self._exactly, name)
        return found

    def _exactly(self, name: bytes | None) -> CertificateOptions | None:
        if name is None:
            return next(iter(self._options.values()), None)
        return self._options.get(name.decode("latin-1").lower())

    def _reload(self) -> None:
        state = {}
        for path in _pem_files(self.path):
            try:
                status = os.stat(path)
            except OSError:
                continue
            state[path] = (status.st_mtime_ns, status.st_size)
        if state == self._state:
            return
        self._state = state
        objects = PEMObjects.fromDirectory(self.path)
        options = objects.inferDomainMapping()
        for problem in objects.problems:
            _events.emit("selvage.tls", "warn", "Cannot use {problem}", problem=problem, log_source=self)
        for path, key in objects.unused_keys:
            _events.emit(
                "selvage.tls",
                "warn",
                "unused private key at {path} with hash {hash}",
                path=path,
                hash=_hash(key),
                log_source=self,
            )
        if objects.problems:
            options.update({name: old for name, old in self._options.items() if name not in options})
        self._options = options


def autoReloadingDirectoryOfPEMs(path: Any) -> DirectoryOfPEMs:
    """Return what looks certificates up in a directory of PEM files, now and whenever they have changed.

    Twisted: `twisted.protocols._sni.autoReloadingDirectoryOfPEMs`.
    """
    return DirectoryOfPEMs(path)
