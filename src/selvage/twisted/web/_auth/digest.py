"""`twisted.web._auth.digest`: name and digest."""

from selvage.web.guard import DigestCredentialFactory as DigestCredentialFactory
