"""What every interface of Selvage is made of: a zope interface to programs, a typing.Protocol to checkers.

Floor 1. zope.interface answers at run time (`implementer`, `providedBy`, `verifyObject`); mypy and pyright do not
know zope, so they see the same class statement as a `typing.Protocol` and check classes against it by structure,
without a plugin. The two readings differ in three points, which `InterfaceType` settles when the class is made:

* methods are written with `self`, as Protocols want them; zope counts arguments without it, so it is stripped;
* a property, which is how a Protocol says "readable attribute", becomes a `zope.interface.Attribute`;
* `Protocol` among the bases means something to checkers only, and vanishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abc import ABCMeta
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol as Protocol, TypeVar

    from typing_extensions import TypeIs

    _T = TypeVar("_T")
    _Class = TypeVar("_Class", bound=type)

    class InterfaceType(ABCMeta):
        """The part of zope's interface API that checkers shall know on each interface."""

        def providedBy(cls: type[_T], ob: object) -> TypeIs[_T]:
            """Tell whether `ob` declares that it provides this interface."""

        def implementedBy(cls, cls_: object) -> bool:
            """Tell whether instances of the class `cls_` provide this interface."""

        def names(cls, all: bool = False) -> list[str]:
            """List the members; those of the bases too when `all` is true."""

        def __getitem__(cls, name: str) -> Any:
            """Return the description of one member."""

        def __contains__(cls, name: str) -> bool:
            """Tell whether this interface or a base has a member of that name."""

        def __iter__(cls) -> Iterator[str]:
            """Iterate over the names of all members."""

        def isOrExtends(cls, other: InterfaceType) -> bool:
            """Tell whether this interface is `other` or has it among its bases."""

        def getTaggedValue(cls, tag: str) -> Any:
            """Return the value that was set under `tag`."""

        def setTaggedValue(cls, tag: str, value: object) -> None:
            """Keep a value under `tag` on the interface."""

    class Interface(Protocol, metaclass=InterfaceType):
        """Base of all interfaces; zope's own root at run time."""

    def implementer(*interfaces: InterfaceType) -> Callable[[_Class], _Class]:
        """Declare on a class which interfaces its instances provide."""

else:
    import sys

    from zope.interface import Attribute, Interface as _Root, implementer as implementer
    from zope.interface.interface import InterfaceClass, fromFunction

    _FUNCTION = type(lambda: None)

    _CHECKERS_ONLY = []  # bases that say something to checkers and nothing to zope

    class InterfaceType(InterfaceClass):
        """The class of Selvage's interfaces: reads a Protocol-shaped class body as a zope interface."""

        def __init__(self, name, bases=(), attrs=None, **kwargs):
            described = {} if attrs is None else {key: _described(key, value) for key, value in attrs.items()}
            # Interfaces compare and hash by name and module, so the public address has to be in place from the start.
            module = described.get("__module__", "")
            if module.startswith("selvage."):
                described["__module__"] = module.partition("._")[0]
            # zope's root stays the only root: `IProtocol.__bases__` is what it is in Twisted.
            bases = tuple(base for base in bases if base not in _CHECKERS_ONLY) or (_Root,)
            super().__init__(name, bases, described, **kwargs)

        def __reduce__(self):
            """Pickle it by its name; for Twisted's plugin system by the one that this knows it under.

            That keeps what its plugins provide in a file beside them, which programs read that run without Selvage.
            """
            name = self.__name__
            if "twisted.plugin" in sys.modules:
                from pkgutil import resolve_name

                for place, module in sorted(sys.modules.items()):
                    if place.startswith("twisted.") and getattr(module, "__dict__", {}).get(name) is self:
                        return resolve_name, (f"{place}:{name}",)
            return name

    def _described(name, value):
        """Turn one member of the class body into what zope keeps of it."""
        if isinstance(value, property):
            return Attribute(name, value.__doc__ or "")
        if (
            isinstance(value, _FUNCTION)
            and value.__code__.co_argcount
            and value.__code__.co_varnames[0] == "self"
        ):
            return fromFunction(value, imlevel=1, name=name)
        return value

    Interface = InterfaceType("Interface", (_Root,), {"__module__": __name__})
    Protocol = InterfaceType("Protocol", (_Root,), {"__module__": __name__})
    _CHECKERS_ONLY += [Interface, Protocol]
