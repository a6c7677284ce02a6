"""`twisted.web.xmlrpc`: resources with procedures, and calls of those of others."""

import xmlrpc.client as xmlrpclib  # noqa: F401  (programs find the standard module under this name)

from selvage.web.xmlrpc import (
    FAILURE as FAILURE,
    NOT_FOUND as NOT_FOUND,
    XMLRPC as XMLRPC,
    Binary as Binary,
    Boolean as Boolean,
    DateTime as DateTime,
    Fault as Fault,
    Handler as Handler,
    NoSuchFunction as NoSuchFunction,
    Proxy as Proxy,
    QueryFactory as QueryFactory,
    QueryProtocol as QueryProtocol,
    XMLRPCIntrospection as XMLRPCIntrospection,
    addIntrospection as addIntrospection,
    payloadTemplate as payloadTemplate,
    withRequest as withRequest,
)

__all__ = [
    "XMLRPC",
    "Fault",
    "Handler",
    "NoSuchFunction",
    "Proxy",
]
