"""Objects that others add facets to, each found by its interface.  Floor 4.

Sessions are such: a program keeps what it knows of a visitor as ``IBasket(session)``, with an adapter that makes a basket
for a session that has none.

Twisted: `twisted.python.components.Componentized`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Componentized"]


class Componentized:
    """Remembers what it was adapted to, so that each facet is made once."""

    persistenceVersion = 1

    _adapterCache: dict[Any, Any] = {}

    def _own_cache(self) -> dict[Any, Any]:
        cache: dict[Any, Any] | None = self.__dict__.get("_adapterCache")
        if cache is None:
            cache = self._adapterCache = {}
        return cache

    def getComponent(self, interface: Any, default: Any = None) -> Any:
        """Return the facet for an interface, made by an adapter if need be; `default` when there is no adapter either."""
        found = self._adapterCache.get(interface)
        if found is not None:
            return found
        made = interface.__adapt__(self)
        if made is None or made is self:
            return default if made is None else made
        if not getattr(made, "temporaryAdapter", False):
            self._own_cache()[interface] = made
        return made

    def __conform__(self, interface: Any) -> Any:
        """Have ``interface(self)`` mean `getComponent`; zope calls this."""
        return self.getComponent(interface)

    def setComponent(self, interfaceClass: Any, component: Any) -> None:
        """Put a facet in place."""
        self._own_cache()[interfaceClass] = component

    def unsetComponent(self, interfaceClass: Any) -> None:
        """Take a facet out; there need not be one."""
        self._own_cache().pop(interfaceClass, None)

    def addComponent(self, component: Any, ignoreClass: object = 0) -> None:
        """Put a facet in place for each interface that it provides."""
        from zope.interface import providedBy

        for interface in providedBy(component):
            self._own_cache()[interface] = component

    def removeComponent(self, component: Any) -> list[Any]:
        """Take a facet out of all its places, and return their interfaces."""
        cache = self._own_cache()
        places = [interface for interface, own in cache.items() if own is component]
        for interface in places:
            del cache[interface]
        return places

    def locateAdapterClass(self, klass: type, interfaceClass: Any, default: Any) -> Any:
        """Hook: return what makes a facet for instances of `klass`; the base version knows nothing."""
        return default

    def setAdapter(self, interfaceClass: Any, adapterClass: Any) -> None:
        """Put ``adapterClass(self)`` in place."""
        self.setComponent(interfaceClass, adapterClass(self))

    def addAdapter(self, adapterClass: Any, ignoreClass: object = 0) -> None:
        """Put ``adapterClass(self)`` in place for each interface that it provides."""
        self.addComponent(adapterClass(self), ignoreClass)
