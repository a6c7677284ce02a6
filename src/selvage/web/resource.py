"""Resources: what is found under a path, and what answers there.  Floor 4.

Twisted: `twisted.web.resource`.
"""

from selvage._publish import publish
from selvage.web._resource import (
    EncodingResourceWrapper as EncodingResourceWrapper,
    ErrorPage as ErrorPage,
    ForbiddenResource as ForbiddenResource,
    NoResource as NoResource,
    Resource as Resource,
    getChildForRequest as getChildForRequest,
)
from selvage.web.interfaces import IResource as IResource

__all__ = [
    "EncodingResourceWrapper",
    "ErrorPage",
    "ForbiddenResource",
    "IResource",
    "NoResource",
    "Resource",
    "getChildForRequest",
]

publish(globals())
