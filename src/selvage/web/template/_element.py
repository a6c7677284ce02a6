"""Elements: templates together with the methods that fill them.  Floor 4.

Twisted: `twisted.web._element`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from zope.interface import implementer

from selvage.web.errors import MissingRenderMethod, MissingTemplateLoader, UnexposedMethodError
from selvage.web.interfaces import IRenderable, ITemplateLoader

if TYPE_CHECKING:
    from selvage.web.template._tags import RenderMethod

__all__ = ["Element", "renderer"]

_Tc = TypeVar("_Tc", bound=Callable[..., object])
_NOTHING: Any = object()


class Expose:
    """Marks methods of which a text that is no program may name one: a template says `t:render="title"`.

    Without the mark it could name any method of the object.
    """

    def __call__(self, f: _Tc, /, *funcObjs: Callable[..., object]) -> _Tc:
        """Mark one function or several; use it as a decorator.

        Returns:
            The first of them.
        """
        for function in (f, *funcObjs):
            marks: list[Expose] = function.__dict__.setdefault("exposedThrough", [])
            marks.append(self)
        return f

    def get(self, instance: object, methodName: str, default: Any = _NOTHING) -> Any:
        """Return a method that has the mark.

        Raises:
            UnexposedMethodError: the object has no such method, or it has no mark, and no default is given.
        """
        method = getattr(instance, methodName, None)
        if self in getattr(method, "exposedThrough", ()):
            return method
        if default is not _NOTHING:
            return default
        state = "has no such method" if method is None else "has it, without @renderer"
        raise UnexposedMethodError(self, methodName, f"{type(instance).__name__} {state}")


#: Decorates the methods of an `Element` that its template may name.
#:
#: They get the request and a copy of the tag, and return what stands in its place; they may be `async def`.
renderer = Expose()


@implementer(IRenderable)
class Element:
    """A part of a page: a template, and methods that are called where the template names them.

    Args:
        loader: has the template; the class's `loader` by default.
    """

    #: Where the template comes from.
    loader: ITemplateLoader | None = None

    def __init__(self, loader: ITemplateLoader | None = None) -> None:
        if loader is not None:
            self.loader = loader

    def lookupRenderMethod(self, name: str) -> RenderMethod:
        """Return the render method of this name.

        Raises:
            MissingRenderMethod: there is none that `renderer` decorates.
        """
        method: RenderMethod | None = renderer.get(self, name, None)
        if method is None:
            raise MissingRenderMethod(self, name)
        return method

    def render(self, request: Any) -> Any:
        """Return the template.

        Raises:
            MissingTemplateLoader: there is no loader.
        """
        if self.loader is None:
            raise MissingTemplateLoader(self)
        return self.loader.load()
