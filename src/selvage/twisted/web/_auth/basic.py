"""`twisted.web._auth.basic`: name and password."""

from selvage.web.guard import BasicCredentialFactory as BasicCredentialFactory
