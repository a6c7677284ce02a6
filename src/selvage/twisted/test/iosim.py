"""`twisted.test.iosim`: joined transports, and connections for a `MemoryReactor`."""

from selvage.testing.iosim import (
    ConnectionCompleter as ConnectionCompleter,
    FakeAddress as FakeAddress,
    FakeTransport as FakeTransport,
    IOPump as IOPump,
    NativeOpenSSLError as NativeOpenSSLError,
    TLSNegotiation as TLSNegotiation,
    connect as connect,
    connectableEndpoint as connectableEndpoint,
    connectedServerAndClient as connectedServerAndClient,
    makeFakeClient as makeFakeClient,
    makeFakeServer as makeFakeServer,
)
