"""`twisted.web.util`: redirections, resources that are not known yet, and failures as pages."""

from selvage.web.template._failure_page import (
    _PRE as _PRE,
    _FrameElement as _FrameElement,
    _SourceFragmentElement as _SourceFragmentElement,
    _SourceLineElement as _SourceLineElement,
    _StackElement as _StackElement,
)
from selvage.web.util import (
    DeferredResource as DeferredResource,
    FailureElement as FailureElement,
    ParentRedirect as ParentRedirect,
    Redirect as Redirect,
    formatFailure as formatFailure,
    redirectTo as redirectTo,
)
