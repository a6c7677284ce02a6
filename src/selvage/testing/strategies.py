"""Hypothesis strategies for what networked programs meet: byte streams in any pieces, and failures of every shape.

    @given(pieces_of(b"GET / HTTP/1.1\\r\\n\\r\\n"))
    def test_it_does_not_matter_how_the_request_arrives(pieces): ...

    @given(failures())
    def test_my_report_shows_any_failure(failure): ...

Needs hypothesis, which only who uses this module has to install.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from selvage._publish import publish
from selvage.failure import Failure

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "selvage.testing.strategies makes strategies for hypothesis, which is not installed: pip install hypothesis"
    ) from error

__all__ = ["Framed", "every_split", "exceptions", "failures", "framed", "pieces_of"]

_T = TypeVar("_T")

# Cuts of one stream: enough that some fall close together; more only make slow tests.
_MAX_CUTS = 12

# Frames of the deepest stack, of which most are below 4: what recursion in a program that still works may reach.
_DEEPEST = 200


# --- Streams -------------------------------------------------------------------------------------------------------


@st.composite
def pieces_of(
    draw: st.DrawFn, data: bytes | st.SearchStrategy[bytes], *, empty: bool = True, max_cuts: int = _MAX_CUTS
) -> list[bytes]:
    """Give bytes in pieces, cut anywhere; joined they are `data` again.  Shrinks to one piece.

    Args:
        data: the stream, or a strategy for it.
        empty: whether some pieces may be empty, which a network does not deliver and a careless caller may.
        max_cuts: at most so many cuts.
    """
    stream = data if isinstance(data, bytes) else draw(data)
    cuts = draw(st.lists(st.integers(0, len(stream)), max_size=max_cuts))
    pieces = _cut(stream, cuts)
    return pieces if empty else [piece for piece in pieces if piece]


@dataclass(frozen=True)
class Framed(Generic[_T]):
    """Some frames, and the stream that they make, in pieces."""

    frames: list[_T]
    pieces: list[bytes]

    @property
    def stream(self) -> bytes:
        """The whole stream."""
        return b"".join(self.pieces)


@st.composite
def framed(
    draw: st.DrawFn,
    frames: st.SearchStrategy[_T],
    encode: Callable[[_T], bytes],
    *,
    max_frames: int = 20,
    max_cuts: int = _MAX_CUTS,
) -> Framed[_T]:
    """Give frames, and the stream of them in pieces that are cut where it hurts: at the edges of frames, or beside them.

    Args:
        frames: a strategy for one frame.
        encode: gives the bytes of a frame.
        max_frames, max_cuts: at most so many.
    """
    chosen = draw(st.lists(frames, max_size=max_frames))
    encoded = [encode(frame) for frame in chosen]
    stream = b"".join(encoded)
    edges = [0]
    for piece in encoded:
        edges.append(edges[-1] + len(piece))
    beside_edges = st.builds(
        lambda edge, off: min(max(0, edge + off), len(stream)), st.sampled_from(edges), st.integers(-2, 2)
    )
    cuts = draw(st.lists(st.one_of(beside_edges, st.integers(0, len(stream))), max_size=max_cuts))
    return Framed(chosen, _cut(stream, cuts))


def every_split(data: bytes) -> list[list[bytes]]:
    """Give the whole, every cut in two, and single bytes: what a test that leaves nothing to chance goes through."""
    return [
        [data],
        *([data[:at], data[at:]] for at in range(1, len(data))),
        [data[at : at + 1] for at in range(len(data))],
    ]


def _cut(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


# --- Failures ------------------------------------------------------------------------------------------------------

_SIMPLE = (
    ValueError,
    KeyError,
    RuntimeError,
    LookupError,
    ConnectionError,
    ZeroDivisionError,
    AssertionError,
)


class _Unprintable(Exception):
    """An exception whose own text cannot be had: a report has to survive it."""

    def __str__(self) -> str:
        raise RuntimeError("this exception does not tell its text")

    __repr__ = __str__


def _messages() -> st.SearchStrategy[str]:
    """Texts, among them such as speak to a terminal or try to look like the rest of a report."""
    awkward = [
        "",
        "two\nlines",
        "\x1b[31mred\x1b[0m",
        "Traceback (most recent call last):\n",
        "\ud800",
        "x" * 2000,
    ]
    return st.one_of(st.text(max_size=30), st.sampled_from(awkward))


def exceptions(*, groups: bool = True, unprintable: bool = False) -> st.SearchStrategy[Exception]:
    """Give exceptions that were not raised: of several classes, with notes, and groups of such.

    Args:
        groups: whether exception groups are among them.
        unprintable: whether such are among them whose `str` and `repr` raise.
    """
    simple = st.one_of(
        st.builds(lambda kind, text: kind(text), st.sampled_from(_SIMPLE), _messages()),
        st.builds(OSError, st.integers(1, 133), _messages()),
        st.builds(UnicodeDecodeError, *map(st.just, ("utf-8", b"\xff", 0, 1, "invalid start byte"))),
        *([st.builds(_Unprintable)] if unprintable else []),
    )
    tree: st.SearchStrategy[Exception] = simple
    if groups:
        tree = st.one_of(simple, st.recursive(simple, _group_of, max_leaves=6))
    return st.builds(_noted, tree, st.lists(_messages(), max_size=2))


def _group_of(children: st.SearchStrategy[Exception]) -> st.SearchStrategy[Exception]:
    return st.builds(ExceptionGroup, _messages(), st.lists(children, min_size=1, max_size=3))


def _noted(error: Exception, notes: Sequence[str]) -> Exception:
    for note in notes:
        error.add_note(note)
    return error


def failures(
    *, groups: bool = True, causes: bool = True, unprintable: bool = False
) -> st.SearchStrategy[Failure]:
    """Give Failures that were really raised: with a stack, shallow or deep, causes and contexts, notes, and groups.

    Args:
        groups: whether exception groups are among them.
        causes: whether they have causes and contexts, which have their own.
        unprintable: whether such are among them whose `str` and `repr` raise.
    """
    raised = st.tuples(
        exceptions(groups=groups, unprintable=unprintable),
        st.one_of(st.integers(0, 3), st.integers(0, _DEEPEST)),
        st.sampled_from(["from", "while", "from None"]),
    )
    return st.lists(raised, min_size=1, max_size=4 if causes else 1).map(_failed)


def _failed(chain: Sequence[tuple[Exception, int, str]]) -> Failure:
    try:
        _raise_chain(chain)
    except Exception:
        return Failure()
    raise AssertionError("not reached: the chain is not empty")


def _raise_chain(chain: Sequence[tuple[Exception, int, str]]) -> None:
    """Raise the last exception of a chain, while or because of the one before."""
    *before, (error, depth, how) = chain
    if not before:
        _raise_deep(error, depth)
    try:
        _raise_chain(before)
    except Exception as earlier:
        if how == "while":
            _raise_deep(error, depth)
        error.__cause__ = earlier if how == "from" else None
        error.__suppress_context__ = True
        _raise_deep(error, depth)


def _raise_deep(error: Exception, depth: int) -> None:
    if depth:
        _raise_deep(error, depth - 1)
    raise error


publish(globals())
