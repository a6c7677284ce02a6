"""`twisted.web._stan`: what pages are made of."""

from selvage.web.template import (
    CDATA as CDATA,
    CharRef as CharRef,
    Comment as Comment,
    Tag as Tag,
    slot as slot,
)
from selvage.web.template._tags import voidElements as voidElements
