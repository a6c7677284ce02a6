"""`twisted.web.template`: pages from templates."""

from selvage.web.template import (
    CDATA as CDATA,
    TEMPLATE_NAMESPACE as TEMPLATE_NAMESPACE,
    VALID_HTML_TAG_NAMES as VALID_HTML_TAG_NAMES,
    CharRef as CharRef,
    Comment as Comment,
    Element as Element,
    Flattenable as Flattenable,
    Tag as Tag,
    TagLoader as TagLoader,
    XMLFile as XMLFile,
    XMLString as XMLString,
    flatten as flatten,
    flattenString as flattenString,
    renderElement as renderElement,
    renderer as renderer,
    slot as slot,
    tags as tags,
)
