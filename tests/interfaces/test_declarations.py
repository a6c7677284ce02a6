"""Whatever a class of Selvage declares, it has: each declaration in src/selvage is verified by zope."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from zope.interface import implementedBy
from zope.interface.verify import verifyClass

import selvage


def is_base(cls: type) -> bool:
    """Tell whether a class is there to be completed by others of ours: private, and with such heirs."""
    heirs = [heir for heir in cls.__subclasses__() if heir.__module__.startswith("selvage.")]
    return bool(heirs) and "._" in cls.__module__


def hands_on(cls: type) -> bool:
    """Tell whether a class stands for another object, which has what it lacks itself; zope cannot see that."""
    return hasattr(cls, "__getattr__")


def says_something(cls: type) -> bool:
    """Tell whether a class, or one above it, declares anything.

    To ask zope makes it write to all of them, and `importlib.metadata` stumbles over what it writes to its own on Python 3.12.
    """
    return any("__implemented__" in vars(each) for each in cls.__mro__)


def declared() -> list[tuple[type, object]]:
    found = []
    for info in pkgutil.walk_packages(selvage.__path__, "selvage."):
        if info.name.startswith("selvage.twisted") or info.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(info.name)
        except ImportError:  # an optional dependency, or a platform's own module
            continue
        for value in vars(module).values():
            if not isinstance(value, type) or not value.__module__.startswith("selvage."):
                continue
            if says_something(value) and not is_base(value) and not hands_on(value):
                found += [(value, interface) for interface in implementedBy(value)]
    return sorted(set(found), key=lambda pair: (pair[0].__qualname__, pair[1].__name__))


DECLARED = declared()


def test_something_is_declared():
    assert len(DECLARED) > 3


@pytest.mark.parametrize(("cls", "interface"), DECLARED, ids=lambda each: each.__name__)
def test_declared_class_has_the_methods(cls, interface):
    assert verifyClass(interface, cls)
