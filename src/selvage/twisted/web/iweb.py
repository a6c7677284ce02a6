"""`twisted.web.iweb`: the contracts of HTTP."""

from selvage.web.interfaces import (
    UNKNOWN_LENGTH as UNKNOWN_LENGTH,
    IAccessLogFormatter as IAccessLogFormatter,
    IAgent as IAgent,
    IAgentEndpointFactory as IAgentEndpointFactory,
    IBodyProducer as IBodyProducer,
    IClientRequest as IClientRequest,
    ICredentialFactory as ICredentialFactory,
    INonQueuedRequestFactory as INonQueuedRequestFactory,
    IPolicyForHTTPS as IPolicyForHTTPS,
    IRenderable as IRenderable,
    IRequest as IRequest,
    IResponse as IResponse,
    ITemplateLoader as ITemplateLoader,
    IUsernameDigestHash as IUsernameDigestHash,
    _IRequestEncoder as _IRequestEncoder,
    _IRequestEncoderFactory as _IRequestEncoderFactory,
)

__all__ = [
    "UNKNOWN_LENGTH",
    "IAccessLogFormatter",
    "IAgent",
    "IAgentEndpointFactory",
    "IBodyProducer",
    "IClientRequest",
    "ICredentialFactory",
    "INonQueuedRequestFactory",
    "IPolicyForHTTPS",
    "IRenderable",
    "IRequest",
    "IResponse",
    "IUsernameDigestHash",
    "_IRequestEncoder",
    "_IRequestEncoderFactory",
]
