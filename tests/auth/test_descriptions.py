"""Checkers by their description, and the options of commands that take one."""

from __future__ import annotations

import io
from importlib.metadata import EntryPoint

import pytest
from zope.interface.verify import verifyObject

from selvage.auth import (
    AuthOptionMixin,
    FilePasswordDB,
    IAnonymous,
    ICheckerFactory,
    InvalidAuthArgumentString,
    InvalidAuthType,
    IUsernameHashedPassword,
    IUsernamePassword,
    StrcredException,
    UnauthorizedLogin,
    UnsupportedInterfaces,
    UsernamePassword,
    _descriptions,
    _unix,
    findCheckerFactories,
    findCheckerFactory,
    makeChecker,
    notSupportedWarning,
)
from tests.auth.test_portal import result


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """As in a process without Twisted."""
    monkeypatch.setattr(_descriptions, "twisted_plugins", lambda: None)


def test_the_types_that_are_at_home_here():
    factories = list(findCheckerFactories())
    assert [each.authType for each in factories] == ["anonymous", "file", "memory", "unix"]
    for factory in factories:
        assert verifyObject(ICheckerFactory, factory) and findCheckerFactory(factory.authType) is factory
        assert factory.authHelp and factory.argStringFormat


def test_memory():
    checker = makeChecker("memory:ann:secret:bob:")
    assert result(checker.requestAvatarId(UsernamePassword(b"ann", b"secret"))) == b"ann"
    assert result(checker.requestAvatarId(UsernamePassword(b"bob", b""))) == b"bob"
    assert makeChecker("memory").users == {}
    with pytest.raises(InvalidAuthArgumentString, match="password for each name"):
        makeChecker("memory:ann")


def test_file(tmp_path, capsys):
    path = tmp_path / "a:b"
    path.write_bytes(b"ann:secret\n")
    checker = makeChecker(f"file:{path}")
    assert isinstance(checker, FilePasswordDB) and capsys.readouterr().err == ""
    assert result(checker.requestAvatarId(UsernamePassword(b"ann", b"secret"))) == b"ann"
    makeChecker(f"file:{tmp_path}")
    assert "is no file" in capsys.readouterr().err
    for description in ("file", "file:"):
        with pytest.raises(InvalidAuthArgumentString, match="path of a file"):
            makeChecker(description)


@pytest.mark.parametrize("description", ["", "magic", "magic:x", ":x", "File:x"])
def test_a_type_that_nobody_knows(description):
    with pytest.raises(InvalidAuthType):
        makeChecker(description)


class Magic:
    authType = "magic"
    authHelp = "Lets in who knows the word."
    argStringFormat = "The word."
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring):
        return argstring


def test_another_package_offers_a_type_by_an_entry_point(monkeypatch):
    import importlib.metadata

    def found(*, group):
        assert group == "selvage.checkers"
        return [EntryPoint("magic", f"{__name__}:MAGIC", group)]

    monkeypatch.setattr(importlib.metadata, "entry_points", found)
    assert makeChecker("magic:sesame:open") == "sesame:open"
    assert [each.authType for each in findCheckerFactories()][-1] == "magic"


MAGIC = Magic()


def test_twisteds_plugins_come_first_and_no_type_twice(monkeypatch):
    theirs = Magic()
    theirs.authType = "file"
    monkeypatch.setattr(_descriptions, "twisted_plugins", lambda: lambda interface: [theirs])
    assert findCheckerFactory("file") is theirs
    assert [each.authType for each in findCheckerFactories()] == ["file", "anonymous", "memory", "unix"]


# --- Accounts of the machine ------------------------------------------------------------------------------------------


@pytest.fixture
def accounts(monkeypatch, tmp_path):
    """Accounts with passwords in either file; a word is crypted by turning it round after its salt, the part up to `$`."""

    class Account:
        def __init__(self, word):
            self.pw_passwd = word

    known = {"ann": "x", "bob": "s$drow", "locked": "!s$drow", "off": "*", "open": "", "gone": "x"}
    calls = []

    def getpwnam(name):
        if "\0" in name:
            raise ValueError("embedded null byte")
        return Account(known[name])

    def crypt(word, salt):
        calls.append(salt)
        if salt.startswith("!"):
            raise OSError(22, "Invalid argument")
        return salt.partition("$")[0] + "$" + word[::-1]

    monkeypatch.setattr("pwd.getpwnam", getpwnam)
    monkeypatch.setattr(_unix, "_crypt_function", lambda: crypt)
    shadow = tmp_path / "shadow"
    shadow.write_text("root:*:1::::::\nann:s$terces:1::::::\n")
    monkeypatch.setattr(_unix, "SHADOW", str(shadow))
    return calls


@pytest.mark.parametrize("kind", [str, str.encode])
def test_unix(accounts, kind):
    def login(name, word):
        got = result(makeChecker("unix").requestAvatarId(UsernamePassword(kind(name), kind(word))))
        return getattr(got, "type", got)

    assert login("ann", "secret") == "ann" and login("bob", "word") == "bob"
    refused = [
        ("ann", "wrong"),
        ("zoe", "x"),
        ("locked", "word"),
        ("off", ""),
        ("open", ""),
        ("gone", ""),
        ("a\0", ""),
    ]
    accounts.clear()
    for name, word in refused:
        assert login(name, word) is UnauthorizedLogin
    assert len(accounts) == len(refused)  # each is crypted, known or not


def test_unix_by_the_systems_own_crypt(monkeypatch):
    try:
        crypt = _unix._crypt_function()
    except InvalidAuthArgumentString:
        pytest.skip("this Python lacks crypt(3)")
    kept = crypt("secret", "$6$somesalt$")
    for crypted, password, expected in (
        (kept, b"secret", "ann"),
        (kept, b"wrong", UnauthorizedLogin),
        ("$no$such$method", b"secret", UnauthorizedLogin),
        (None, b"secret", UnauthorizedLogin),
    ):
        monkeypatch.setattr(_unix, "_crypted_password", lambda name: crypted)
        got = result(makeChecker("unix").requestAvatarId(UsernamePassword(b"ann", password)))
        assert getattr(got, "type", got) == expected


def test_unix_without_the_shadow_file(accounts, monkeypatch):
    monkeypatch.setattr(_unix, "SHADOW", "/does/not/exist")
    credentials = UsernamePassword(b"ann", b"secret")
    assert result(makeChecker("unix").requestAvatarId(credentials)).type is UnauthorizedLogin


def test_unix_where_python_has_no_crypt(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_unix, "import_module", missing)
    with pytest.raises(InvalidAuthArgumentString, match="pip install crypt_r"):
        makeChecker("unix")


# --- Options of commands ----------------------------------------------------------------------------------------------


class Options(dict, AuthOptionMixin):
    def __init__(self) -> None:
        super().__init__()
        self.authOutput = io.StringIO()


class Names(Options):
    supportedInterfaces = (IUsernamePassword,)


def test_checkers_are_collected_by_what_they_know():
    options = Options()
    options.opt_auth("memory:ann:secret")
    options.opt_auth("anonymous")
    memory, anonymous = options["credCheckers"]
    assert options["credInterfaces"] == {
        IUsernamePassword: [memory],
        IUsernameHashedPassword: [memory],
        IAnonymous: [anonymous],
    }
    names = Names()
    names.addChecker(memory)
    assert names["credInterfaces"] == {IUsernamePassword: [memory]}
    with pytest.raises(UnsupportedInterfaces, match="IAnonymous"):
        names.addChecker(anonymous)


@pytest.mark.parametrize(
    "description, words",
    [
        ("anonymous", "not supported: .*IAnonymous"),
        ("magic", "not recognized: magic"),
        ("memory:a", "Unexpected error: 'memory'"),
    ],
)
def test_what_is_wrong_with_an_option_is_told(description, words, monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "twisted.python.usage", raising=False)
    with pytest.raises(StrcredException, match=words):
        Names().opt_auth(description)


def test_help():
    options = Names()
    with pytest.raises(SystemExit):
        options.opt_help_auth()
    told = options.authOutput.getvalue()
    assert "  memory  Names and" in told and "anonymous" not in told
    with pytest.raises(SystemExit):
        options.opt_help_auth_type("memory")
    assert "command lines" in options.authOutput.getvalue()
    assert notSupportedWarning not in options.authOutput.getvalue()
    with pytest.raises(SystemExit):
        options.opt_help_auth_type("anonymous")
    assert notSupportedWarning in options.authOutput.getvalue()
    with pytest.raises(StrcredException, match="Invalid auth type: magic"):
        options.opt_help_auth_type("magic")
