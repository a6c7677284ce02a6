"""Protocols that can be told to wait with what they have already received.  Floor 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["_PauseableMixin", "_WatchedPause"]


class _PauseableMixin:
    """The producer's methods for a protocol that keeps bytes of its own: pausing it pauses its transport too.

    Whoever mixes it in delivers nothing while `paused` is true, and delivers what waits when `dataReceived` is
    called with nothing.
    """

    paused = False

    if TYPE_CHECKING:
        # Both belong to the class that this one is mixed into.
        transport: Any

        def dataReceived(self, data: bytes) -> Any: ...

    def pauseProducing(self) -> None:
        """Deliver nothing more, not even from the segment that is being delivered, until `resumeProducing`."""
        self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on, with what has waited first."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def stopProducing(self) -> None:
        """Deliver nothing more and stop the transport."""
        self.paused = True
        self.transport.stopProducing()


class _WatchedPause(_PauseableMixin):
    """A `_PauseableMixin` whose delivery loop need not ask after each frame whether it was paused.

    `paused` is a property: setting it calls `_interrupt`, which makes the loop end by itself.  The gain, about a tenth
    of what a frame costs, is in the rows "lines" and "frames" of benchmarks/.
    """

    #: What is watched; each has its default in an attribute of the same name with an underscore before it.
    _watched: ClassVar[tuple[str, ...]] = ("paused",)
    _paused: Any = False

    if not TYPE_CHECKING:

        @property
        def paused(self):
            return self._paused

        @paused.setter
        def paused(self, paused):
            self._paused = paused
            self._interrupt()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let a subclass say `paused = True` in its body: that becomes its default, and the property stays."""
        super().__init_subclass__(**kwargs)
        for name in cls._watched:
            value = cls.__dict__.get(name, _NOTHING)
            if value is not _NOTHING and not isinstance(value, property):
                setattr(cls, f"_{name}", value)
                delattr(cls, name)

    def _interrupt(self) -> None:
        """Make the delivery that is going on look again at how to treat what follows."""
        raise NotImplementedError


_NOTHING = object()
