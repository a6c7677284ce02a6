"""`twisted.test.proto_helpers`: the old address of `twisted.internet.testing`, which each name announces."""

from selvage.testing._proto_helpers import proto_helpers_getattr as __getattr__

__all__ = ["__getattr__"]
