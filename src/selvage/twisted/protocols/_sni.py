"""`twisted.protocols._sni`: servers whose certificate depends on the name that the client asks for."""

from selvage.endpoints._tls import TLSServerEndpoint as TLSServerEndpoint
from selvage.tls import (
    PEMObjects as PEMObjects,
    SNIConnectionCreator as SNIConnectionCreator,
    autoReloadingDirectoryOfPEMs as autoReloadingDirectoryOfPEMs,
)
from selvage.tls._directory import (
    names_of as _getSubjectAltNames,  # noqa: F401
    with_wildcard as lookupWithWildcard,  # noqa: F401
)
