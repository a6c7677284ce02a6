"""`twisted.internet._idna`: host names between their two spellings."""

from selvage.transports._idna import _idnaBytes as _idnaBytes, _idnaText as _idnaText
