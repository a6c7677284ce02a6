"""Types of descriptions that other packages bring."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selvage.endpoints import clientFromString, serverFromString
from selvage.endpoints._plugins import ListedParser
from selvage.testing import MemoryReactorClock

PARSERS = """
from selvage.interfaces import (
    IStreamClientEndpointStringParserWithReactor, IStreamServerEndpointStringParser, implementer
)

@implementer(IStreamServerEndpointStringParser)
class Server:
    prefix = "pigeon"

    def parseStreamServer(self, reactor, loft, feathers="white"):
        return ("server", reactor, loft, feathers)

@implementer(IStreamClientEndpointStringParserWithReactor)
class Client:
    prefix = "courier"

    def parseStreamClient(self, reactor, *args, **kwargs):
        return ("client", reactor, args, kwargs)

server, client = Server(), Client()
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with entry points, for the test."""

    def install_it(source: str, **entries: str) -> None:
        (tmp_path / "pigeons.py").write_text(source)
        info = tmp_path / "pigeons-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeons\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[selvage.endpoints]", *lines, ""]))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "pigeons", raising=False)

    return install_it


def test_types_of_another_package(install: Install) -> None:
    install(PARSERS, pigeon="pigeons:server", courier="pigeons:client")
    reactor = MemoryReactorClock()
    assert serverFromString(reactor, "pigeon:roof") == ("server", reactor, "roof", "white")
    assert serverFromString(reactor, "pigeon:roof:feathers=grey") == ("server", reactor, "roof", "grey")
    assert clientFromString(reactor, "courier:a:b=c") == ("client", reactor, ("a",), {"b": "c"})


def test_their_descriptions_are_checked_as_ours_are(install: Install) -> None:
    install(PARSERS, pigeon="pigeons:server", courier="pigeons:client")
    for description, message in {
        "pigeon:": None,
        "pigeon": "'pigeon' lacks 'loft'",
        "pigeon:roof:feathres=grey": "'feathres' at position 12 .* did you mean 'feathers'",
        "pigeon:roof:white:3": "'3' at position 18 of .* is one part too many",
    }.items():
        if message is None:
            assert serverFromString(MemoryReactorClock(), description)[2] == ""  # type: ignore[index]
            continue
        with pytest.raises(ValueError, match=message):
            serverFromString(MemoryReactorClock(), description)
    with pytest.raises(ValueError, match="'b' at position 12 of .* is there twice"):
        clientFromString(MemoryReactorClock(), "courier:b=c:b=d")


def test_a_type_is_for_servers_or_for_clients(install: Install) -> None:
    install(PARSERS, pigeon="pigeons:server", courier="pigeons:client")
    with pytest.raises(ValueError, match="Unknown endpoint type: 'pigeon'"):
        clientFromString(MemoryReactorClock(), "pigeon:roof")
    with pytest.raises(ValueError, match="Unknown endpoint type: 'courier'"):
        serverFromString(MemoryReactorClock(), "courier:a")


def test_a_package_is_imported_when_its_type_is_asked_for(install: Install) -> None:
    install(PARSERS, pigeon="pigeons:server")
    serverFromString(MemoryReactorClock(), "tcp:80")
    with pytest.raises(ValueError):
        serverFromString(MemoryReactorClock(), "pidgeon:roof")
    assert "pigeons" not in sys.modules


@pytest.mark.parametrize(
    ("source", "words"), [("1/0", "ZeroDivisionError: division by zero"), ("", "AttributeError")]
)
def test_a_package_that_cannot_be_loaded_is_named(install: Install, source: str, words: str) -> None:
    install(source, pigeon="pigeons:server")
    with pytest.raises(
        ValueError, match=f"'pigeons:server' of pigeons for endpoints of type 'pigeon' cannot .*{words}"
    ) as caught:
        serverFromString(MemoryReactorClock(), "pigeon:roof")
    assert caught.value.__cause__ is not None


def test_a_built_in_type_cannot_be_taken_over(install: Install) -> None:
    install(PARSERS, tcp="pigeons:server")
    assert "TCP4ServerEndpoint" in repr(serverFromString(MemoryReactorClock(), "tcp:80"))


def test_twisteds_plugin_system_lists_our_parsers_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from zope.interface import Interface

    class IPlugin(Interface):
        pass

    monkeypatch.delitem(sys.modules, "twisted.plugin", raising=False)
    assert not IPlugin.providedBy(ListedParser())
    monkeypatch.setitem(sys.modules, "twisted.plugin", SimpleNamespace(IPlugin=IPlugin))  # type: ignore[arg-type]
    assert IPlugin.providedBy(ListedParser())


def test_a_plugin_of_twisteds_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no entry point, whoever `twisted.plugin` knows is asked."""
    from selvage.endpoints import _plugins

    class Parser:
        prefix = "Pigeon"

        def parseStreamServer(self, reactor: Any, *args: str, **kwargs: str) -> Any:
            return args, kwargs

    monkeypatch.setattr(_plugins, "twisted_plugins", lambda: lambda interface: [Parser()])
    assert serverFromString(MemoryReactorClock(), "pigeon:a:b=c") == (("a",), {"b": "c"})


PLUGIN = """
from twisted.internet.interfaces import IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from zope.interface import implementer

@implementer(IPlugin, IStreamServerEndpointStringParser)
class Pigeon:
    prefix = "pigeon"

    def parseStreamServer(self, reactor, loft, feathers="white"):
        return (loft, feathers)

pigeon = Pigeon()
"""

PROGRAM = """
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

print(serverFromString(reactor, "pigeon:roof:feathers=grey"))
"""


@pytest.mark.slow
@pytest.mark.needs_twisted
def test_a_package_that_brings_a_plugin_for_twisted(tmp_path: Path) -> None:
    """In a program on the wing: a folder `twisted/plugins` on the path, without `__init__.py`, as Twisted wants it."""
    if importlib.util.find_spec("twisted.plugin") is None:
        pytest.skip("needs an installed Twisted")
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "pigeon_plugin.py").write_text(PLUGIN)
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stdout == "('roof', 'grey')\n", done.stderr
