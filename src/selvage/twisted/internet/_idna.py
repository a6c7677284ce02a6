"""`twisted.internet._idna`: host names between their two spellings."""

from selvage._hostnames import _idnaBytes as _idnaBytes, _idnaText as _idnaText
