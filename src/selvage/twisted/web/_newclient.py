"""`twisted.web._newclient`: the client's side of a connection that speaks HTTP/1.1."""

from selvage.web._losses import PotentialDataLoss as PotentialDataLoss, _DataLoss as _DataLoss
from selvage.web.client import (
    BODY as BODY,
    DONE as DONE,
    HEADER as HEADER,
    STATUS as STATUS,
    BadHeaders as BadHeaders,
    BadResponseVersion as BadResponseVersion,
    ChunkedEncoder as ChunkedEncoder,
    ConnectionAborted as ConnectionAborted,
    ExcessWrite as ExcessWrite,
    HTTP11ClientProtocol as HTTP11ClientProtocol,
    HTTPClientParser as HTTPClientParser,
    HTTPParser as HTTPParser,
    LengthEnforcingConsumer as LengthEnforcingConsumer,
    ParseError as ParseError,
    Request as Request,
    RequestGenerationFailed as RequestGenerationFailed,
    RequestNotSent as RequestNotSent,
    RequestTransmissionFailed as RequestTransmissionFailed,
    Response as Response,
    ResponseDone as ResponseDone,
    ResponseFailed as ResponseFailed,
    ResponseNeverReceived as ResponseNeverReceived,
    TransportProxyProducer as TransportProxyProducer,
    WrongBodyLength as WrongBodyLength,
    _ensureValidMethod as _ensureValidMethod,
    _ensureValidURI as _ensureValidURI,
    _WrapperException as _WrapperException,
    makeStatefulDispatcher as makeStatefulDispatcher,
)
from selvage.web.interfaces import UNKNOWN_LENGTH as UNKNOWN_LENGTH
