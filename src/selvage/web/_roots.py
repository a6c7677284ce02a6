"""Collections of named things that a program can be configured with.  Floor 4; used by virtual hosts.

Twisted: `twisted.python.roots`.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "Collection",
    "Constrained",
    "ConstraintViolation",
    "Entity",
    "Homogenous",
    "Locked",
    "NotSupportedError",
    "Request",
]


class NotSupportedError(NotImplementedError):
    """A collection does not do this."""


class ConstraintViolation(Exception):
    """A collection does not take this."""


class Request:
    """Somebody who asks; a subclass says how he is answered."""

    wireProtocol: Any = None

    def write(self, data: bytes) -> None:
        """Hook: send some data."""
        raise NotImplementedError(f"{type(self).__name__}.write")

    def finish(self) -> None:
        """Hook: end the answer."""
        raise NotImplementedError(f"{type(self).__name__}.finish")


class Entity:
    """Something that answers."""

    def render(self, request: Any) -> Any:
        """Hook: answer."""
        raise NotImplementedError(f"{type(self).__name__}.render")


class Collection:
    """Things by name: some that were put there, some that are made when they are asked for.

    Args:
        entities: what is there from the start.
    """

    def __init__(self, entities: dict[Any, Any] | None = None) -> None:
        self.entities: dict[Any, Any] = {} if entities is None else entities

    def getStaticEntity(self, name: Any) -> Any:
        """Return what was put there, None for nothing."""
        return self.entities.get(name)

    def getDynamicEntity(self, name: Any, request: Any) -> Any:
        """Hook: make what was not put there; None for nothing."""
        return None

    def getEntity(self, name: Any, request: Any) -> Any:
        """Return what is there or can be made."""
        return self.getStaticEntity(name) or self.getDynamicEntity(name, request)

    def delEntity(self, name: Any) -> None:
        """Take out what was put there."""
        del self.entities[name]

    def putEntity(self, name: Any, entity: Any) -> None:
        """Put something there."""
        self.entities[name] = entity

    def storeEntity(self, name: Any, request: Any) -> None:
        """Hook: put there what a request brings."""
        raise NotSupportedError(f"{type(self).__name__}.storeEntity")

    def removeEntity(self, name: Any, request: Any) -> None:
        """Hook: take out what a request asks for."""
        raise NotSupportedError(f"{type(self).__name__}.removeEntity")

    def listStaticEntities(self) -> Any:
        """Return names and things that were put there."""
        return self.entities.items()

    def listStaticNames(self) -> Any:
        """Return the names of what was put there."""
        return self.entities.keys()

    def listDynamicEntities(self, request: Any) -> list[Any]:
        """Hook: return names and things that can be made."""
        return []

    def listDynamicNames(self) -> list[Any]:
        """Hook: return the names of what can be made."""
        return []

    def listEntities(self, request: Any) -> list[Any]:
        """Return names and things, all of them."""
        return [*self.listStaticEntities(), *self.listDynamicEntities(request)]

    def listNames(self, request: Any) -> list[Any]:
        """Return all names."""
        return [*self.listStaticNames(), *self.listDynamicNames()]


class Constrained(Collection):
    """A collection that does not take everything."""

    def nameConstraint(self, name: Any) -> bool:
        """Hook: tell whether a name may be used; or raise."""
        return True

    def entityConstraint(self, entity: Any) -> bool:
        """Hook: tell whether a thing may be put there; or raise."""
        return True

    def reallyPutEntity(self, name: Any, entity: Any) -> None:
        """Put something there without asking."""
        super().putEntity(name, entity)

    def putEntity(self, name: Any, entity: Any) -> None:
        """Put something there.

        Raises:
            ConstraintViolation: its name or itself is not taken.
        """
        if not self.nameConstraint(name):
            raise ConstraintViolation(f"{type(self).__name__} takes no name such as {name!r}")
        if not self.entityConstraint(entity):
            raise ConstraintViolation(f"{type(self).__name__} takes nothing such as {entity!r}")
        self.reallyPutEntity(name, entity)


class Locked(Constrained):
    """A collection that takes nothing once it is locked."""

    locked = 0

    def lock(self) -> None:
        """Take nothing from now on."""
        self.locked = 1

    def entityConstraint(self, entity: Any) -> bool:
        """Tell whether it is not locked."""
        return not self.locked


class Homogenous(Constrained):
    """A collection of things of one type."""

    entityType: Any = object

    def entityConstraint(self, entity: Any) -> bool:
        """Tell whether it is of the type."""
        if isinstance(entity, self.entityType):
            return True
        raise ConstraintViolation(f"{entity!r} of incorrect type ({self.entityType})")

    def getNameType(self) -> str:
        """Return what names are, in words."""
        return "Name"

    def getEntityType(self) -> str:
        """Return what things are, in words."""
        return str(self.entityType.__name__)
