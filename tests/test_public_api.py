"""The public surface: each face's `__all__` against tests/public_api.json, so that widening it is a line in a diff.

`python -m tests.test_public_api --record` writes the list anew.
"""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

RECORD = Path(__file__).with_name("public_api.json")

FACES = [
    "selvage",
    "selvage.addresses",
    "selvage.auth",
    "selvage.auth.errors",
    "selvage.auth.interfaces",
    "selvage.defer",
    "selvage.endpoints",
    "selvage.errors",
    "selvage.failure",
    "selvage.interfaces",
    "selvage.observe",
    "selvage.observe.opentelemetry",
    "selvage.observe.sentry",
    "selvage.paths",
    "selvage.processes",
    "selvage.logger",
    "selvage.logger.classic",
    "selvage.logger.files",
    "selvage.logger.structlog",
    "selvage.protocols",
    "selvage.protocols.amp",
    "selvage.protocols.basic",
    "selvage.protocols.finger",
    "selvage.protocols.haproxy",
    "selvage.protocols.htb",
    "selvage.protocols.ident",
    "selvage.protocols.loopback",
    "selvage.protocols.memcache",
    "selvage.protocols.pcp",
    "selvage.protocols.policies",
    "selvage.protocols.portforward",
    "selvage.protocols.postfix",
    "selvage.protocols.socks",
    "selvage.protocols.stateful",
    "selvage.protocols.wire",
    "selvage.reactor",
    "selvage.service",
    "selvage.tasks",
    "selvage.testing",
    "selvage.testing.chaos",
    "selvage.testing.conformance",
    "selvage.testing.faults",
    "selvage.testing.iosim",
    "selvage.testing.pytest_plugin",
    "selvage.testing.strategies",
    "selvage.testing.trial",
    "selvage.testing.trial.command",
    "selvage.testing.trial.itrial",
    "selvage.testing.trial.reporter",
    "selvage.testing.trial.runner",
    "selvage.testing.trial.unittest",
    "selvage.testing.trial.util",
    "selvage.tls",
    "selvage.transports",
    "selvage.web",
    "selvage.web.client",
    "selvage.web.asgi",
    "selvage.web.errors",
    "selvage.web.guard",
    "selvage.web.http",
    "selvage.web.interfaces",
    "selvage.web.pages",
    "selvage.web.proxy",
    "selvage.web.resource",
    "selvage.web.routes",
    "selvage.web.rewrite",
    "selvage.web.script",
    "selvage.web.server",
    "selvage.web.static",
    "selvage.web.template",
    "selvage.web.util",
    "selvage.web.vhost",
    "selvage.web.websocket",
    "selvage.web.wsgi",
    "selvage.web.xmlrpc",
]


def surface(face: str) -> list[str]:
    return sorted(importlib.import_module(face).__all__)


def recorded() -> dict[str, list[str]]:
    listed: dict[str, list[str]] = json.loads(RECORD.read_text(encoding="utf-8"))
    return listed


@pytest.mark.parametrize("face", FACES)
def test_face_publishes_what_is_recorded(face):
    now, then = set(surface(face)), set(recorded().get(face, []))
    assert now == then, (
        f"{face} gained {sorted(now - then)} and lost {sorted(then - now)}; "
        "if that is meant: python -m tests.test_public_api --record"
    )


def test_nothing_else_is_recorded():
    assert set(recorded()) <= set(FACES)


@pytest.mark.parametrize("face", FACES)
def test_every_name_resolves_and_none_twice(face):
    module = importlib.import_module(face)
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name, module) is not module, f"{face}.{name} is listed but not there"


@pytest.mark.parametrize("face", FACES)
def test_objects_report_their_public_address(face):
    """What tracebacks, reprs and pickles show is what users import."""
    module = importlib.import_module(face)
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type | FunctionType):
            assert "._" not in value.__module__, f"{face}.{name} says it lives in {value.__module__}"
            home = importlib.import_module(value.__module__)
            if home.__name__.startswith("selvage") and "<locals>" not in value.__qualname__:
                assert getattr(home, value.__name__, None) is value, (
                    f"{face}.{name} is not in {value.__module__}"
                )
                assert pickle.loads(pickle.dumps(value)) is value


@pytest.mark.parametrize("face", [face for face in FACES if face != "selvage"])
def test_public_things_are_documented(face):
    module = importlib.import_module(face)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type | FunctionType) and value.__module__.startswith("selvage"):
            assert value.__doc__, f"{face}.{name} has no docstring"


def test_importing_selvage_loads_nothing_else():
    """The names of the top face are fetched when they are asked for."""
    program = "import sys; import selvage; print([m for m in sys.modules if m.startswith('selvage.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_top_face_lists_its_names_and_refuses_others():
    import selvage

    assert set(selvage.__all__) == set(selvage._HOMES)
    assert set(selvage.__all__) <= set(dir(selvage))
    with pytest.raises(AttributeError, match="nonsense"):
        selvage.nonsense


def test_publish_moves_what_is_private_only():
    from selvage._publish import publish

    class Here: ...

    class Elsewhere: ...

    def function(): ...

    Here.__module__ = "selvage.face._part"
    function.__module__ = "selvage.face._part"
    Elsewhere.__module__ = "selvage.other"
    instance = Here()
    namespace = {
        "__name__": "selvage.face",
        "__all__": ["Here", "Elsewhere", "function", "Alias", "ValueError", "instance", "NUMBER", "module"],
        "Here": Here,
        "Elsewhere": Elsewhere,
        "function": function,
        "Alias": Here,
        "ValueError": ValueError,
        "instance": instance,
        "NUMBER": 1,
        "module": ModuleType("selvage.face._x"),
    }
    publish(namespace)
    assert (Here.__module__, function.__module__) == ("selvage.face", "selvage.face")
    assert Elsewhere.__module__ == "selvage.other"
    assert "__module__" not in vars(instance)


def main() -> None:
    if sys.argv[1:] != ["--record"]:
        raise SystemExit("usage: python -m tests.test_public_api --record")
    listed = {}
    for face in FACES:
        try:
            listed[face] = surface(face)
        except (ImportError, AttributeError) as error:  # not there yet, or not whole
            print(f"{face}: {error}")
    RECORD.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    print(f"recorded {len(listed)} of {len(FACES)} faces")


if __name__ == "__main__":
    main()
