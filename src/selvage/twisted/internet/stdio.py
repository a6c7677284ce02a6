"""Standard input and output as a connection."""

from selvage.transports.stdio import PipeAddress as PipeAddress, StandardIO as StandardIO

__all__ = ["PipeAddress", "StandardIO"]
