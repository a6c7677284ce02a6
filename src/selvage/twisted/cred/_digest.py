"""`twisted.cred._digest`: what answers to a challenge are made of."""

from selvage.auth import (
    calcHA1 as calcHA1,
    calcHA2 as calcHA2,
    calcResponse as calcResponse,
)
