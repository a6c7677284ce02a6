"""What the pleasant client tells when something fails: at which stage, and for which URL.  Floor 4."""

from __future__ import annotations

from typing import Any

from selvage.web.client._uri import redacted

__all__ = ["RequestError", "RequestTimeout", "StatusError", "TooManyRedirects"]

#: Stages of a request, in the order in which they come; see `RequestError`.
STAGES = ("resolve", "connect", "handshake", "request", "response", "body")


class RequestError(Exception):
    """A request has failed.

    Args:
        stage: how far it came: "resolve" (the host's name), "connect" (waiting for a free connection included, and
            proxies), "handshake" (TLS), "request" (being written), "response" (its header awaited), "body".
        method: such as "GET".
        url: where to; user, password, query and fragment are not shown.
        reason: what happened, in words.

    What happened as an exception is the `__cause__`.
    """

    def __init__(self, stage: str, method: str, url: str, reason: str) -> None:
        super().__init__(stage, method, url, reason)
        self.stage = stage
        self.method = method
        self.url = redacted(url)
        self.reason = reason
        self.args = (stage, method, self.url, reason)

    def __str__(self) -> str:
        return f"{self.method} {self.url} failed ({self.stage}): {self.reason}"


class RequestTimeout(RequestError, TimeoutError):
    """A request took too long.

    Args:
        which: the limit that was reached: "total", "connect" or "read".
        limit_s: its seconds.
    """

    def __init__(self, stage: str, method: str, url: str, which: str, limit_s: float) -> None:
        super().__init__(stage, method, url, f"the {which} timeout of {limit_s:g} s passed")
        self.which = which
        self.limit_s = limit_s
        self.args = (stage, method, self.url, which, limit_s)


class TooManyRedirects(RequestError):
    """There were more redirections in a row than are followed."""


class StatusError(Exception):
    """A response is no success: its code is 400 or higher.

    Args:
        response: the `ClientResponse`.
    """

    def __init__(self, response: Any) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        response = self.response
        return f"{response.method} {redacted(response.url)} answered {response.status} {response.reason}".rstrip()


def words_of(error: BaseException) -> str:
    """Return what an exception says, with its kind when it says little by itself."""
    said = str(error).strip()
    name = type(error).__name__
    return f"{name}: {said}" if said and not said.startswith(name) else said or name
