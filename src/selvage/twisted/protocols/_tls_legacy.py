"""`twisted.protocols._tls_legacy`: the warning about what does not say that it configures TLS."""

from selvage.transports._tls_creators import LegacyContextFactoryWarning as LegacyContextFactoryWarning
