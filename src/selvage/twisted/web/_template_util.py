"""`twisted.web._template_util`: what `util`, `template` and `resource` have in common."""

from selvage.web.template import (
    TEMPLATE_NAMESPACE as TEMPLATE_NAMESPACE,
    VALID_HTML_TAG_NAMES as VALID_HTML_TAG_NAMES,
    TagLoader as TagLoader,
    XMLFile as XMLFile,
    XMLString as XMLString,
    flatten as flatten,
    flattenString as flattenString,
    renderElement as renderElement,
    tags as tags,
)
from selvage.web.util import (
    DeferredResource as DeferredResource,
    FailureElement as FailureElement,
    ParentRedirect as ParentRedirect,
    Redirect as Redirect,
    formatFailure as formatFailure,
    redirectTo as redirectTo,
)
