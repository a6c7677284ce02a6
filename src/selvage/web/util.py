"""Redirections, resources that are not known yet, and failures as pages.  Floor 4.

Twisted: `twisted.web.util`.
"""

from selvage._publish import publish
from selvage.web._redirect import (
    DeferredResource as DeferredResource,
    ParentRedirect as ParentRedirect,
    Redirect as Redirect,
    redirectTo as redirectTo,
)
from selvage.web.template._failure_page import (
    FailureElement as FailureElement,
    formatFailure as formatFailure,
)

__all__ = ["DeferredResource", "FailureElement", "ParentRedirect", "Redirect", "formatFailure", "redirectTo"]

publish(globals())
