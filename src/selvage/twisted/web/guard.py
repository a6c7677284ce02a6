"""`twisted.web.guard`: HTTP authentication in front of resources."""

from selvage.web.guard import (
    BasicCredentialFactory as BasicCredentialFactory,
    DigestCredentialFactory as DigestCredentialFactory,
    HTTPAuthSessionWrapper as HTTPAuthSessionWrapper,
)
