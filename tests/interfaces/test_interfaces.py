"""Interfaces as zope sees them; tests/typing/check_interfaces.py has what checkers see."""

import pickle

import pytest
from zope.interface import Attribute, Interface, implementer
from zope.interface.exceptions import BrokenImplementation, BrokenMethodImplementation
from zope.interface.interface import InterfaceClass, Method
from zope.interface.verify import verifyClass, verifyObject

from selvage import interfaces
from selvage.interfaces import (
    IAddress,
    IConsumer,
    INegotiated,
    IProtocol,
    IPullProducer,
    IPushProducer,
    IReactorCore,
    IReactorTime,
    ISSLTransport,
    ITCPTransport,
    ITransport,
)

ALL = [value for value in vars(interfaces).values() if isinstance(value, InterfaceClass)]


@implementer(IProtocol)
class Echo:
    def dataReceived(self, data):
        pass

    def connectionLost(self, reason):
        pass

    def makeConnection(self, transport):
        pass

    def connectionMade(self):
        pass


@pytest.mark.parametrize("interface", ALL, ids=lambda interface: interface.__name__)
def test_interface_and_members_are_documented_and_at_home(interface):
    assert interface.__module__ == "selvage.interfaces"
    assert getattr(interfaces, interface.__name__) is interface
    assert interface.__doc__
    for name in interface.names():
        assert interface[name].__doc__, name
        assert isinstance(interface[name], Method | Attribute)


def test_implementer_is_that_of_zope():
    assert interfaces.implementer is implementer


def test_root_is_that_of_zope():
    assert IProtocol.__bases__ == (Interface,)
    assert ITCPTransport.__bases__ == (ITransport,)


def test_signatures_are_counted_without_self():
    assert IProtocol["dataReceived"].getSignatureString() == "(data)"
    assert IReactorTime["callLater"].getSignatureString() == "(delay, callable, *args, **kwargs)"
    assert IReactorCore["run"].getSignatureString() == "()"


def test_properties_are_attributes():
    assert not isinstance(INegotiated["negotiatedProtocol"], Method)
    assert INegotiated["negotiatedProtocol"].interface is INegotiated
    assert "ALPN" in INegotiated["negotiatedProtocol"].getDoc()


def test_declared_class_is_recognised_and_verified():
    assert IProtocol.implementedBy(Echo)
    assert IProtocol.providedBy(Echo())
    assert not IProtocol.providedBy(object())
    assert IProtocol(Echo(), None) is not None
    assert verifyClass(IProtocol, Echo)
    assert verifyObject(IProtocol, Echo())


def test_wrong_classes_are_refused():
    @implementer(IProtocol)
    class Short(Echo):
        def dataReceived(self):
            pass

    @implementer(IPushProducer)
    class Missing:
        def stopProducing(self):
            pass

    with pytest.raises(BrokenMethodImplementation):
        verifyClass(IProtocol, Short)
    with pytest.raises(BrokenImplementation):
        verifyObject(IPullProducer, Missing(), tentative=True)


def test_inheritance_reaches_through():
    assert ISSLTransport.isOrExtends(ITransport)
    assert "write" in ISSLTransport
    assert not IConsumer.isOrExtends(ITransport)


def test_users_can_extend_with_and_without_self():
    class IMine(IProtocol):
        def plain(argument):
            """As zope has it."""

        def typed(self, argument):
            """As checkers have it."""

    assert IMine["plain"].getSignatureString() == "(argument)"
    assert IMine["typed"].getSignatureString() == "(argument)"
    assert IMine.__module__ == __name__
    assert IMine.isOrExtends(IProtocol)


def test_interfaces_pickle_by_public_name():
    assert pickle.loads(pickle.dumps(IAddress)) is IAddress


def test_binding_is_a_value():
    binding = interfaces._Binding("127.0.0.1", 8000, reuseAddress=True)
    assert binding == interfaces._Binding("127.0.0.1", 8000, True, False)
    assert hash(binding) == hash(interfaces._Binding("127.0.0.1", 8000, True))
    assert binding != interfaces._Binding("127.0.0.1", 8001, True)
    assert binding != "127.0.0.1"
    assert pickle.loads(pickle.dumps(binding)) == binding
    assert repr(binding) == "_Binding(_address='127.0.0.1', _port=8000, _reuseAddress=True, _reusePort=False)"
    with pytest.raises(AttributeError, match="makeBinding"):
        binding._port = 9
    with pytest.raises(AttributeError, match="makeBinding"):
        del binding._port
    assert interfaces.Binding(binding) is binding
