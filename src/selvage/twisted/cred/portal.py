"""`twisted.cred.portal`: the door, and what is behind it."""

from selvage.auth import (
    IRealm as IRealm,
    Portal as Portal,
)
