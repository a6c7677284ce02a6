"""`twisted.cred.credentials`: what people show to prove who they are."""

from selvage.auth import (
    Anonymous as Anonymous,
    CramMD5Credentials as CramMD5Credentials,
    DigestCredentialFactory as DigestCredentialFactory,
    DigestedCredentials as DigestedCredentials,
    IAnonymous as IAnonymous,
    ICredentials as ICredentials,
    ISSHPrivateKey as ISSHPrivateKey,
    IUsernameDigestHash as IUsernameDigestHash,
    IUsernameHashedPassword as IUsernameHashedPassword,
    IUsernamePassword as IUsernamePassword,
    SSHPrivateKey as SSHPrivateKey,
    UsernamePassword as UsernamePassword,
    calcHA1 as calcHA1,
    calcHA2 as calcHA2,
    calcResponse as calcResponse,
)
from selvage.auth._deprecated import __getattr__ as __getattr__
