"""`twisted.web._auth.wrapper`: what stands before resources."""

from selvage.web.guard import (
    HTTPAuthSessionWrapper as HTTPAuthSessionWrapper,
    UnauthorizedResource as UnauthorizedResource,
)
