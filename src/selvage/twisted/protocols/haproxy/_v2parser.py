"""`twisted.protocols.haproxy._v2parser`: binary headers."""

from selvage.protocols.haproxy import V2Parser as V2Parser
