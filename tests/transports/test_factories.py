"""Leniency towards factories: whatever names or makes a protocol will do."""

from __future__ import annotations

import pytest

from selvage.protocols import Factory, Protocol
from selvage.transports._factories import as_factory


class Plain:
    protocol = Protocol


def test_a_factory_is_taken_as_it_is():
    factory = Factory.forProtocol(Protocol)
    assert as_factory(factory) is factory


@pytest.mark.parametrize("given", [Plain, Plain()], ids=["class", "instance"])
def test_a_class_or_instance_with_a_protocol(given):
    factory = as_factory(given)
    protocol = factory.buildProtocol(None)
    assert isinstance(protocol, Protocol)
    assert isinstance(protocol.factory, Plain)
    for hook, args in {
        "doStart": (),
        "doStop": (),
        "startedConnecting": ("connector",),
        "clientConnectionFailed": ("connector", "reason"),
        "clientConnectionLost": ("connector", "reason"),
    }.items():
        assert getattr(factory, hook)(*args) is None


def test_hooks_that_a_plain_factory_has_are_called():
    class Hooked(Plain):
        def clientConnectionLost(self, connector, reason):
            seen.append((connector, reason))

        def startFactory(self):
            seen.append("started")

    seen = []
    factory = as_factory(Hooked())
    factory.doStart()
    factory.clientConnectionLost("connector", "reason")
    assert seen == ["started", ("connector", "reason")]


def test_a_class_of_factories_is_called():
    class Own(Factory):
        protocol = Protocol

    assert isinstance(as_factory(Own), Own)


def test_a_function_is_called_for_each_connection():
    made = []

    def make():
        made.append(Protocol())
        return made[-1]

    factory = as_factory(make)
    assert factory.buildProtocol("address") is made[0]
    assert factory.buildProtocol("address") is made[1]
    assert made[0].factory is factory
    factory.doStart()
    factory.clientConnectionLost("connector", "reason")


def test_a_function_may_decline():
    assert as_factory(lambda: None).buildProtocol("address") is None


@pytest.mark.parametrize("given", [None, 17, object()])
def test_what_makes_no_protocol_is_refused(given):
    with pytest.raises(TypeError, match=r"is no factory: it needs buildProtocol\(\)"):
        as_factory(given)


class Needy(Factory):
    def __init__(self, store):
        self.store = store


def test_a_class_that_needs_more_than_nothing_is_told_as_what_it_is():
    with pytest.raises(TypeError, match="store") as caught:
        as_factory(Needy)
    [note] = caught.value.__notes__
    assert "give a factory instead of its class" in note


def test_a_resource_is_told_what_serves_it():
    class Page:
        def getChildWithDefault(self, name, request): ...

    with pytest.raises(TypeError, match=r"is no factory: .*; a resource is served by Site\(resource\)$"):
        as_factory(Page())
