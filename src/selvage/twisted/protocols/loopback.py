"""`twisted.protocols.loopback`: two protocols joined in one process."""

from selvage.protocols.loopback import (
    LoopbackClientFactory as LoopbackClientFactory,
    LoopbackRelay as LoopbackRelay,
    _LoopbackQueue as _LoopbackQueue,
    _LoopbackTransport as _LoopbackTransport,
    collapsingPumpPolicy as collapsingPumpPolicy,
    identityPumpPolicy as identityPumpPolicy,
    loopbackAsync as loopbackAsync,
    loopbackTCP as loopbackTCP,
    loopbackUNIX as loopbackUNIX,
)
