"""`twisted.protocols.haproxy._v1parser`: headers of one line of text."""

from selvage.protocols.haproxy import V1Parser as V1Parser
