"""Who knows whose credentials these are; and that nobody learns from a refusal which names exist."""

from __future__ import annotations

import os

import pytest

from selvage import _events
from selvage.auth import (
    FilePasswordDB,
    InMemoryUsernamePasswordDatabaseDontUse,
    IUsernameHashedPassword,
    IUsernamePassword,
    OnDiskUsernamePasswordDatabase,
    UnauthorizedLogin,
    UsernamePassword,
)
from tests.auth.test_portal import result


@pytest.fixture
def passwords(tmp_path):
    """Write a file of passwords and make its checker."""

    def make(content: bytes = b"ann:secret\nbob:word\n", *args, **options) -> FilePasswordDB:
        path = tmp_path / "passwords"
        path.write_bytes(content)
        return FilePasswordDB(str(path), *args, **options)

    return make


def login(checker, name: bytes, password: bytes):
    got = result(checker.requestAvatarId(UsernamePassword(name, password)))
    return getattr(got, "type", got)


def test_a_file_of_passwords(passwords):
    checker = passwords()
    assert login(checker, b"ann", b"secret") == b"ann"
    for name, password in ((b"ann", b"word"), (b"zoe", b"secret"), (b"ANN", b"secret"), (b"", b"")):
        assert login(checker, name, password) is UnauthorizedLogin
    with pytest.raises(KeyError):
        checker.getUser(b"zoe")


def test_lines_as_they_come(passwords):
    checker = passwords(b"ann:secret\r\n\nshort\nbob: w:more \nann:second\nno-end:x")
    assert checker.getUser(b"ann") == (b"ann", b"secret")
    assert checker.getUser(b"bob") == (b"bob", b" w")
    assert checker.getUser(b"no-end") == (b"no-end", b"x")
    with pytest.raises(KeyError):
        checker.getUser(b"short")


def test_fields_and_case_are_the_programs_choice(passwords):
    checker = passwords(b"secret - Ann\n", b" ", 2, 0, caseSensitive=False)
    assert checker.getUser(b"ANN") == (b"ann", b"secret") and login(checker, b"aNN", b"secret") == b"ann"


def test_a_file_of_hashes(passwords):
    seen = []

    def hashed(name, given, stored):
        seen.append((name, given, stored))
        return given[::-1]

    assert passwords().credentialInterfaces == (IUsernamePassword, IUsernameHashedPassword)
    checker = passwords(b"ann:terces\n", hash=hashed)
    assert checker.credentialInterfaces == (IUsernamePassword,)
    assert login(checker, b"ann", b"secret") == b"ann" and seen == [(b"ann", b"secret", b"terces")]
    assert login(checker, b"ann", b"terces") is UnauthorizedLogin


def test_the_file_is_read_again_when_it_was_written_to(passwords, tmp_path):
    for cache in (False, True):
        checker = passwords(cache=cache)
        assert login(checker, b"ann", b"secret") == b"ann"
        (tmp_path / "passwords").write_bytes(b"ann:other!\n")
        assert login(checker, b"ann", b"secret") is UnauthorizedLogin
        assert login(checker, b"ann", b"other!") == b"ann"


def test_a_cached_file_is_read_once(passwords, monkeypatch):
    checker = passwords(cache=True)
    reads = []
    monkeypatch.setattr(checker, "_entries", lambda file: reads.append(1) or iter([(b"ann", b"x")]))
    assert [login(checker, b"ann", b"x") for _ in range(3)] == [b"ann"] * 3
    assert reads == [1]
    os.utime(checker.filename, ns=(0, 0))
    login(checker, b"ann", b"x")
    assert reads == [1, 1]


def test_without_the_file_nobody_gets_in_and_the_log_says_why():
    told = []

    def listen(namespace, level, format, fields):
        told.append((namespace, level, format.format(**fields)))

    _events.subscribe(listen)
    try:
        assert login(FilePasswordDB("/does/not/exist"), b"ann", b"secret") is UnauthorizedLogin
    finally:
        _events.unsubscribe(listen)
    [(namespace, level, text)] = told
    assert (namespace, level) == ("selvage.auth.FilePasswordDB", "error")
    assert "/does/not/exist" in text and "No such file" in text and "secret" not in text


def test_the_old_name():
    assert OnDiskUsernamePasswordDatabase is FilePasswordDB


class Counted(UsernamePassword):
    """Counts how often it was compared."""

    compared = 0

    def checkPassword(self, password):
        type(self).compared += 1
        return super().checkPassword(password)


def test_unknown_names_cost_what_known_ones_do(passwords):
    """A refusal after fewer comparisons, or without the costly hash, tells by its time which names exist."""
    hashed = []

    def costly(name, given, stored):
        hashed.append(stored)
        return b"no"

    memory = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
    for checker in (memory, passwords()):
        counts = []
        for name in (b"ann", b"zoe"):
            Counted.compared = 0
            assert result(checker.requestAvatarId(Counted(name, b"wrong"))).type is UnauthorizedLogin
            counts.append(Counted.compared)
        assert counts == [1, 1]
    checker = passwords(hash=costly)
    assert login(checker, b"ann", b"wrong") is login(checker, b"zoe", b"wrong") is UnauthorizedLogin
    assert len(hashed) == 2


def test_the_password_of_another_lets_no_unknown_name_in(passwords):
    """Not even when what stands in for the missing password is guessed."""
    for word in (b"secret", b"word", b"\0" * 16, b""):
        assert login(passwords(), b"zoe", word) is UnauthorizedLogin
        assert login(passwords(hash=lambda name, given, stored: given), b"zoe", word) is UnauthorizedLogin
        assert login(passwords(b""), b"zoe", word) is UnauthorizedLogin
        memory = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
        assert login(memory, b"zoe", word) is UnauthorizedLogin
