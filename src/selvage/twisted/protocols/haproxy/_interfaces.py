"""`twisted.protocols.haproxy._interfaces`: record and parsers."""

from selvage.protocols.haproxy import IProxyInfo as IProxyInfo, IProxyParser as IProxyParser
