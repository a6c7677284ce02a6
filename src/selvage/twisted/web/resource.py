"""`twisted.web.resource`: what is found under a path."""

from selvage.web._resource import (
    _computeAllowedMethods as _computeAllowedMethods,
    _UnsafeErrorPage as _UnsafeErrorPage,
    _UnsafeErrorPageBase as _UnsafeErrorPageBase,
    _UnsafeForbiddenResource as _UnsafeForbiddenResource,
    _UnsafeNoResource as _UnsafeNoResource,
)
from selvage.web.http import FORBIDDEN as FORBIDDEN, NOT_FOUND as NOT_FOUND
from selvage.web.resource import (
    EncodingResourceWrapper as EncodingResourceWrapper,
    ErrorPage as ErrorPage,
    ForbiddenResource as ForbiddenResource,
    IResource as IResource,
    NoResource as NoResource,
    Resource as Resource,
    getChildForRequest as getChildForRequest,
)
