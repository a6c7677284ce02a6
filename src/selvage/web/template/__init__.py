"""Pages from templates: tags, elements, loaders, and what turns them into bytes.  Floor 4.

A template is XML (`XMLString`, `XMLFile`) or made of `tags`.  An `Element` has a template and the methods that the
template names; `renderElement` answers a request with one.  Text is escaped wherever it stands.

Twisted: `twisted.web.template`.
"""

from selvage._publish import publish
from selvage.web.template._element import Element as Element, renderer as renderer
from selvage.web.template._flatten import flatten as flatten, flattenString as flattenString
from selvage.web.template._load import (
    TEMPLATE_NAMESPACE as TEMPLATE_NAMESPACE,
    TagLoader as TagLoader,
    XMLFile as XMLFile,
    XMLString as XMLString,
)
from selvage.web.template._render import renderElement as renderElement
from selvage.web.template._tags import (
    CDATA as CDATA,
    VALID_HTML_TAG_NAMES as VALID_HTML_TAG_NAMES,
    CharRef as CharRef,
    Comment as Comment,
    Flattenable as Flattenable,
    Tag as Tag,
    slot as slot,
    tags as tags,
)

__all__ = [
    "CDATA",
    "TEMPLATE_NAMESPACE",
    "VALID_HTML_TAG_NAMES",
    "CharRef",
    "Comment",
    "Element",
    "Flattenable",
    "Tag",
    "TagLoader",
    "XMLFile",
    "XMLString",
    "flatten",
    "flattenString",
    "renderElement",
    "renderer",
    "slot",
    "tags",
]

publish(globals())
