"""`Story`: all that a report of a failure says, as plain data.  Floor 0.

A Failure and the exceptions that are linked to it hold live frames. Their story is what a person may read of them:
texts, names and numbers. All renderings are made of it, it can be pickled and written as JSON, and it is the same on
the machine to which it was sent. Making one reads source lines, so it is made when somebody looks.

What counts as the *cause* of an exception, whom it happened *while* handling, and which of them are shown, is as the
interpreter has it (`__cause__`, `__context__`, `__suppress_context__`); links in a circle are followed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, takewhile
from types import TracebackType
from typing import TYPE_CHECKING, Any

from selvage.failure._exceptions import late, linked, members_of, message_of, notes_of, qualified_name
from selvage.failure._fingerprint import fingerprint
from selvage.failure._frames import SAME_SHOWN, all_entries, is_ours, record_of, safe_str, shown, source_line
from selvage.failure._trail import steps_of

if TYPE_CHECKING:
    from selvage.failure._failure import Failure
    from selvage.failure._locals import Locals

__all__ = ["Story", "StoryFrame", "StoryStep", "Teller"]

# Of an exception group so many members are told, and groups in groups so deep; as the interpreter does it.
MEMBERS_SHOWN = 15
LEVELS_SHOWN = 10

# Causes followed from one exception, and exceptions told in one story. A person stops reading long before; a loop that
# raises each error from the one before would make reports without end.
CAUSES_SHOWN = 50
_EXCEPTIONS_TOLD = 500


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.50} is not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r:.50} is not a whole number")
    return value


class _Record:
    """What is compared and shown by its slots. (As data classes the three below take a millisecond of each start.)"""

    __slots__: tuple[str, ...] = ()

    def _facts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._facts() == self._facts()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self._facts().items() if value)
        return f"{type(self).__name__}({facts})"


class StoryFrame(_Record):
    """One frame that the exception crossed.

    Attributes:
        function: the function's name.
        file: its source file.
        line: the line, from 1.
        code: the text of that line without its indentation; empty when nobody has the source.
        columns: where in `code` the failing expression begins and ends, if that was asked for and is known.
        locals: names and texts of the local variables, if they were asked for.
        repeated: how many more times in a row this frame came.
    """

    __slots__ = ("code", "columns", "file", "function", "line", "locals", "repeated")

    def __init__(
        self,
        function: str,
        file: str,
        line: int,
        code: str = "",
        columns: tuple[int, int] | None = None,
        locals: list[tuple[str, str]] | None = None,
        repeated: int = 0,
    ) -> None:
        self.function = function
        self.file = file
        self.line = line
        self.code = code
        self.columns = columns
        self.locals = locals
        self.repeated = repeated

    def to_dict(self) -> dict[str, Any]:
        """Give the same as a dictionary; what is not known or was not asked for is left out."""
        facts: dict[str, Any] = {
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "code": self.code,
        }
        if self.columns is not None:
            facts["columns"] = list(self.columns)
        if self.locals is not None:
            facts["locals"] = dict(self.locals)
        if self.repeated:
            facts["repeated"] = self.repeated
        return facts

    def without_locals(self) -> StoryFrame:
        """The same without local variables."""
        return StoryFrame(self.function, self.file, self.line, self.code, self.columns, None, self.repeated)

    def without_columns(self) -> StoryFrame:
        """The same without the part of the line that failed."""
        return StoryFrame(self.function, self.file, self.line, self.code, None, self.locals, self.repeated)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> StoryFrame:
        """Make a frame of what `to_dict` gave."""
        columns, variables = facts.get("columns"), facts.get("locals")
        return cls(
            _text(facts["function"]),
            _text(facts["file"]),
            _number(facts["line"]),
            _text(facts.get("code", "")),
            None if columns is None else (_number(columns[0]), _number(columns[1])),
            None if variables is None else [(_text(name), _text(text)) for name, text in variables.items()],
            _number(facts.get("repeated", 0)),
        )


_PLACES = ("added", "made", "fired")


class StoryStep(_Record):
    """One step of a failure through Deferreds and their callbacks.

    Attributes:
        event: "fired": a Deferred was fired with it. "raised": a callback raised it. "passed": a callback got it and passed
            it on.
        callback: the callback's name.
        added: where the callback was added to its Deferred.
        made: where that Deferred was made.
        fired: where it was fired.
    """

    __slots__ = ("added", "callback", "event", "fired", "made")

    def __init__(
        self,
        event: str,
        callback: str = "",
        added: StoryFrame | None = None,
        made: StoryFrame | None = None,
        fired: StoryFrame | None = None,
    ) -> None:
        self.event = event
        self.callback = callback
        self.added = added
        self.made = made
        self.fired = fired

    def to_dict(self) -> dict[str, Any]:
        """Give the same as a dictionary; places that are not known are left out."""
        places = {"added": self.added, "made": self.made, "fired": self.fired}
        known = {name: place.to_dict() for name, place in places.items() if place is not None}
        return {"event": self.event, "callback": self.callback, **known}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> StoryStep:
        """Make a step of what `to_dict` gave."""
        places = {name: StoryFrame.from_dict(facts[name]) for name in _PLACES if name in facts}
        return cls(_text(facts["event"]), _text(facts.get("callback", "")), **places)


class Story(_Record):
    """What happened: one exception, the frames that it crossed, what it has to do with others.

    Attributes:
        type: the dotted name of its class.
        message: its own words.
        frames: the frames crossed, outermost first.
        details: lines above the message: of a syntax error, the place in the text that was read.
        notes: what `add_note` added.
        members: the members of an exception group.
        members_left_out: how many members there are beyond those.
        causes: which exception it was raised from or while handling, the one of that, and so on; these have no causes here.
        relation: of a cause: "cause" if its successor was raised from it, "context" if while it was handled.
        chain: which callbacks and Deferreds the failure passed; in debug mode.
        fingerprint: see `selvage.failure.fingerprint`; of the whole.
    """

    __slots__ = (
        "causes",
        "chain",
        "details",
        "fingerprint",
        "frames",
        "members",
        "members_left_out",
        "message",
        "notes",
        "relation",
        "type",
    )

    def __init__(
        self,
        type: str,
        message: str,
        frames: Iterable[StoryFrame] = (),
        *,
        details: Iterable[str] = (),
        notes: Iterable[str] = (),
        members: Iterable[Story] = (),
        members_left_out: int = 0,
        causes: Iterable[Story] = (),
        relation: str = "",
        chain: Iterable[StoryStep] = (),
        fingerprint: str = "",
    ) -> None:
        self.type = type
        self.message = message
        self.frames = list(frames)
        self.details = list(details)
        self.notes = list(notes)
        self.members = list(members)
        self.members_left_out = members_left_out
        self.causes = list(causes)
        self.relation = relation
        self.chain = list(chain)
        self.fingerprint = fingerprint

    def to_dict(self) -> dict[str, Any]:
        """Give the same as dictionaries, lists, texts and numbers; see `from_dict`."""
        return {
            "type": self.type,
            "message": self.message,
            "fingerprint": self.fingerprint,
            "relation": self.relation,
            "frames": [frame.to_dict() for frame in self.frames],
            "details": self.details,
            "notes": self.notes,
            "causes": [cause.to_dict() for cause in self.causes],
            "members": [member.to_dict() for member in self.members],
            "members_left_out": self.members_left_out,
            "chain": [step.to_dict() for step in self.chain],
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Story:
        """Make a story of what `to_dict` gave, here or in another release.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls._from_dict(facts)
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"this is not the story of a failure as to_dict() gives it: {error!r}"
            ) from error

    @classmethod
    def _from_dict(cls, facts: dict[str, Any]) -> Story:
        relation = facts.get("relation", "")
        return cls(
            type=_text(facts["type"]),
            message=_text(facts["message"]),
            frames=[StoryFrame.from_dict(each) for each in facts.get("frames", ())],
            details=[_text(each) for each in facts.get("details", ())],
            notes=[_text(each) for each in facts.get("notes", ())],
            members=[cls._from_dict(each) for each in facts.get("members", ())],
            members_left_out=_number(facts.get("members_left_out", 0)),
            causes=[cls._from_dict(each) for each in facts.get("causes", ())],
            relation=relation if relation == "cause" else "context" if relation else "",
            chain=[StoryStep.from_dict(each) for each in facts.get("chain", ())],
            fingerprint=_text(facts.get("fingerprint", "")),
        )

    @classmethod
    def of(
        cls,
        failure: Story | BaseException,
        *,
        carets: bool = False,
        locals: Locals | bool = False,
        machinery: bool = False,
    ) -> Story:
        """Tell the story of a failure.

        Args:
            failure: a Failure or another exception. A story is returned as it is.
            carets: find out which part of each line failed.
            locals: show local variables; how, if it is a `Locals`. Secrets are hidden.
            machinery: show the frames of Selvage and of the standard library's tasks and threads, too.
        """
        if isinstance(failure, Story):
            return failure
        policy: Locals | None = None
        if locals:
            from selvage.failure._locals import Locals

            policy = locals if isinstance(locals, Locals) else Locals()
        return Teller(carets, policy, machinery).tell(late.failure_of(failure))

    def without_locals(self) -> Story:
        """The same without local variables."""
        return self._with_frames(lambda frames: [frame.without_locals() for frame in frames])

    def without_columns(self) -> Story:
        """The same without the parts of lines that failed."""
        return self._with_frames(lambda frames: [frame.without_columns() for frame in frames])

    def without_ours(self) -> Story:
        """The same without frames of Selvage's own files, where there are others."""
        return self._with_frames(
            lambda frames: [frame for frame in frames if not is_ours(frame.file)] or frames
        )

    def _changed(self, **changes: Any) -> Story:
        return Story(**{**self._facts(), **changes})

    def _with_frames(self, change: Callable[[list[StoryFrame]], list[StoryFrame]]) -> Story:
        return self._changed(
            frames=change(self.frames),
            members=[member._with_frames(change) for member in self.members],
            causes=[cause._with_frames(change) for cause in self.causes],
        )


class Teller:
    """Makes one story.

    Args:
        carets, locals, machinery: as `Story.of` has them.
    """

    def __init__(self, carets: bool = False, locals: Locals | None = None, machinery: bool = False) -> None:
        self._carets = carets
        self._locals = locals
        self._machinery = machinery
        self._seen: set[int] = set()
        self._left = _EXCEPTIONS_TOLD

    def tell(self, failure: Failure) -> Story:
        """Tell the story of `failure`, with causes and members."""
        story = self._tell_with_causes(failure, 0)
        story.fingerprint = fingerprint(failure)
        return story

    def _tell_with_causes(self, failure: Failure, depth: int) -> Story:
        # The causes first, so that a member of the group does not claim them.
        causes = list(islice(linked(failure.value, self._seen), CAUSES_SHOWN))
        story = self._tell_one(failure, depth)
        if getattr(failure, "_story", None) is not None:
            return story
        for relation, cause in causes:
            if self._left <= 0:
                break
            told = self._tell_one(cause, depth)
            story.causes += [told._changed(relation=relation, causes=[]), *told.causes]
            if told.causes:
                # Told when it was sent, and the exception itself knows of no causes any more.
                break
        return story

    def _tell_one(self, failure: Failure, depth: int) -> Story:
        """Tell of one exception, and of the members if it is a group."""
        self._left -= 1
        value = failure.value
        kept: Story | None = getattr(failure, "_story", None)
        if kept is not None:
            if self._locals is None:
                kept = kept.without_locals()
            return kept if self._carets else kept.without_columns()
        story = Story(qualified_name(failure.type), message_of(value), self._frames(failure))
        if isinstance(value, BaseException):
            story.notes = notes_of(value)
            story.chain = [_step(each) for each in steps_of(value)]
            if isinstance(value, SyntaxError):
                _tell_of_syntax(value, story)
        members = members_of(value)
        for member in members[:MEMBERS_SHOWN]:
            if depth >= LEVELS_SHOWN or self._left <= 0:
                break
            story.members.append(self._tell_with_causes(late.failure_of(member), depth + 1))
        story.members_left_out = len(members) - len(story.members)
        return story

    def _frames(self, failure: Failure) -> list[StoryFrame]:
        records, entries = self._chosen(failure)
        variables: list[list[tuple[str, str]]] | list[None] = [None] * len(records)
        if self._locals is not None:
            from selvage.failure._locals import describe

            live = [_variables(entry, failure) for entry in entries] or [
                list(record[3]) for record in records
            ]
            variables = describe(live, self._locals)
        frames: list[StoryFrame] = []
        same = 0
        for place, record in enumerate(records):
            function, file, line = record[:3]
            last = frames[-1] if frames else None
            if last is not None and line == last.line and function == last.function and file == last.file:
                same += 1
                if same >= SAME_SHOWN:
                    last.repeated += 1
                    continue
            else:
                same = 0
            text = source_line(file, line)
            made = StoryFrame(function, file, line, text.strip(), locals=variables[place])
            if self._carets and entries:
                made.columns = _columns(entries[place], text)
            frames.append(made)
        return frames

    def _chosen(self, failure: Failure) -> tuple[Sequence[Sequence[Any]], Sequence[TracebackType]]:
        """Give the frame records to show, and the entries of the live traceback that belong to them, if there are."""
        records = failure.frames
        if self._machinery:
            entries = list(all_entries(failure.tb))
            return ([record_of(entry) for entry in entries], entries) if entries else (records, ())
        if not self._carets and self._locals is None:
            return records, ()
        entries = shown(failure.tb)
        # Somebody may have set the frames.
        return records, entries if len(entries) == len(records) else ()


def _step(noted: dict[str, Any]) -> StoryStep:
    places = {name: noted[name] and _place(*noted[name]) for name in _PLACES}
    return StoryStep(noted["event"], noted["callback"], **places)


def _place(function: str, file: str, line: int) -> StoryFrame:
    return StoryFrame(function, file, line, source_line(file, line).strip())


def _tell_of_syntax(error: SyntaxError, story: Story) -> None:
    """Say where in the text that was read the error is, as the interpreter does."""
    from traceback import TracebackException

    try:
        lines = "".join(TracebackException(type(error), error, None).format_exception_only()).splitlines()
    except Exception:
        return
    story.details = list(takewhile(lambda line: line.startswith(" "), lines))
    if story.details:
        story.message = safe_str(error.msg)


def _variables(entry: TracebackType, failure: Failure) -> list[tuple[str, Any]]:
    """Give the local variables of a frame, without the failure that the report is about."""
    try:
        return [
            (name, value)
            for name, value in entry.tb_frame.f_locals.items()
            if value is not failure.value
            and not (type(value) is type(failure) and value.value is failure.value)
        ]
    except Exception:
        return []


def _columns(entry: TracebackType, text: str) -> tuple[int, int] | None:
    """Find which part of a line failed; None when it is all of it, or not known."""
    positions = next(islice(entry.tb_frame.f_code.co_positions(), entry.tb_lasti // 2, None), (None,) * 4)
    first_line, last_line, start, end = positions
    if start is None or end is None or first_line != entry.tb_lineno:
        return None
    raw = text.rstrip("\n").encode("utf-8", "surrogatepass")
    # Offsets count bytes; beyond the line they go on in the next.
    stripped = text.strip()
    indent = len(text) - len(text.lstrip())
    begin = len(raw[:start].decode("utf-8", "replace")) - indent
    finish = len(raw[:end].decode("utf-8", "replace")) - indent if last_line == first_line else len(stripped)
    if begin < 0 or finish <= begin or (begin == 0 and finish >= len(stripped)):
        return None
    return begin, min(finish, len(stripped))
