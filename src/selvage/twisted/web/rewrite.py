"""`twisted.web.rewrite`: change where a request leads to."""

from selvage.web.rewrite import (
    RewriterResource as RewriterResource,
    alias as alias,
    tildeToUsers as tildeToUsers,
)
