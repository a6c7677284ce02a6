"""Reports as HTML pages that need nothing else: no script, no image, no other address.  Floor 0.

Every text passes through `_text`, which escapes what HTML acts upon and what a terminal or an editor would; the page itself
forbids browsers to load or run anything. Local variables are left out unless they are asked for, and source lines can be:
who shows reports to people outside leaves both out.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from selvage.failure._layout import EVENTS, LINKS
from selvage.failure._printable import printable
from selvage.failure._story import Story, StoryFrame

if TYPE_CHECKING:
    from selvage.failure._locals import Locals

__all__ = ["to_html"]

_STYLE = """\
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.25rem;overflow-wrap:anywhere}
h1 .type,.type{color:#c22}
.message{white-space:pre-wrap}
.failure{border-left:3px solid #c22;padding-left:1rem;margin:1rem 0}
.link{font-style:italic;margin:1rem 0}
ol{list-style:none;padding:0}
li{margin:.35rem 0}
.file,.line{color:#07a}
.function{font-weight:600}
pre{margin:.15rem 0 .15rem 1.5rem;white-space:pre-wrap;overflow-wrap:anywhere}
mark{background:none;color:inherit;border-bottom:2px solid #c22}
table{margin-left:1.5rem;border-collapse:collapse}
td{padding:0 .75rem 0 0;vertical-align:top;font-family:monospace;overflow-wrap:anywhere}
.fingerprint,.repeated,.more{opacity:.65}
"""


def to_html(
    failure: Story | BaseException,
    *,
    carets: bool = True,
    locals: Locals | bool = False,
    machinery: bool = False,
    source: bool = True,
    page: bool = True,
) -> str:
    """Give the report of a failure as HTML.

    Args:
        failure: a Failure, another exception, or its story.
        carets, locals, machinery: as `Story.of` has them; `carets` underlines.
        source: show source lines.
        page: give a whole page; else the element that is its body, for a page of your own.
    """
    story = Story.of(failure, carets=carets, locals=locals, machinery=machinery)
    body = "".join(_whole(story, source))
    if not page:
        return body
    title = _text(f"{story.type}: {story.message.partition(chr(10))[0]}")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>\n{_STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _whole(story: Story, source: bool) -> Iterator[str]:
    yield '<article class="selvage-failure">\n'
    yield f'<h1><span class="type">{_text(story.type)}</span>: <span class="message">{_text(story.message)}</span></h1>\n'
    if story.fingerprint:
        yield f'<p class="fingerprint">fingerprint {_text(story.fingerprint)}</p>\n'
    yield from _chained(story, source)
    yield "</article>\n"


def _chained(story: Story, source: bool) -> Iterator[str]:
    """Give a story with its causes, oldest first."""
    for cause in reversed(story.causes):
        yield from _one(cause, source)
        yield f'<p class="link">{_text(LINKS[cause.relation])}</p>\n'
    yield from _one(story, source)


def _one(story: Story, source: bool) -> Iterator[str]:
    yield '<section class="failure">\n<ol>\n'
    for frame in story.frames:
        yield from _frame(frame, source)
    yield "</ol>\n"
    if story.details and source:
        yield f"<pre>{_text(chr(10).join(story.details))}</pre>\n"
    yield f'<p><span class="type">{_text(story.type)}</span>: <span class="message">{_text(story.message)}</span></p>\n'
    for note in story.notes:
        yield f'<p class="message">{_text(note)}</p>\n'
    yield from _chain(story, source)
    for number, member in enumerate(story.members, 1):
        yield f"<details open><summary>member {number}</summary>\n"
        yield from _chained(member, source)
        yield "</details>\n"
    if story.members_left_out:
        yield f'<p class="more">and {story.members_left_out} more</p>\n'
    yield "</section>\n"


def _frame(frame: StoryFrame, source: bool) -> Iterator[str]:
    yield f"<li>{_place(frame)}\n"
    if source and frame.code:
        yield f"<pre>{_code(frame)}</pre>\n"
    if frame.repeated:
        yield f'<div class="repeated">{frame.repeated} more times</div>\n'
    if frame.locals:
        rows = "".join(
            f"<tr><td>{_text(name)}</td><td>{_text(value)}</td></tr>" for name, value in frame.locals
        )
        yield f"<details><summary>locals</summary><table>{rows}</table></details>\n"
    yield "</li>\n"


def _place(frame: StoryFrame) -> str:
    return (
        f'File <span class="file">{_text(frame.file)}</span>, line <span class="line">{frame.line:d}</span>, '
        f'in <span class="function">{_text(frame.function)}</span>'
    )


def _code(frame: StoryFrame) -> str:
    if frame.columns is None:
        return _text(frame.code)
    start, end = frame.columns
    before, part, after = frame.code[:start], frame.code[start:end], frame.code[end:]
    return f"{_text(before)}<mark>{_text(part)}</mark>{_text(after)}"


def _chain(story: Story, source: bool) -> Iterator[str]:
    if not story.chain:
        return
    yield "<details><summary>way through Deferreds</summary><ol>\n"
    for step in story.chain:
        callback = f'callback <span class="function">{_text(step.callback)}</span> ' if step.callback else ""
        yield f"<li>{callback}{_text(EVENTS.get(step.event, step.event))}\n"
        for title, place in (("added", step.added), ("Deferred made", step.made), ("fired", step.fired)):
            if place is not None:
                code = f"<pre>{_text(place.code)}</pre>" if source and place.code else ""
                yield f"<div>{title}: {_place(place)}{code}</div>\n"
        yield "</li>\n"
    yield "</ol></details>\n"
