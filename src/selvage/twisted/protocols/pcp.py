"""`twisted.protocols.pcp`: a man in the middle between a producer and a consumer."""

from selvage.protocols.pcp import (
    BasicProducerConsumerProxy as BasicProducerConsumerProxy,
    ProducerConsumerProxy as ProducerConsumerProxy,
)
