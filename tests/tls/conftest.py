"""An authority that the tests make, and certificates that it signs."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

import pytest
import trustme

from selvage import failure
from selvage.tls import Certificate, PrivateCertificate
from tests.reports import expected_reports

Issue = Callable[..., PrivateCertificate]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="session")
def root(authority: trustme.CA) -> Certificate:
    return Certificate.loadPEM(authority.cert_pem.bytes())


@pytest.fixture(scope="session")
def issue(authority: trustme.CA) -> Issue:
    """Make a certificate for some names; `expired=True` for one that has been valid until yesterday."""

    def make(*names: str, expired: bool = False) -> PrivateCertificate:
        times = {}
        if expired:
            now = datetime.datetime.now(datetime.UTC)
            times = {
                "not_before": now - datetime.timedelta(days=9),
                "not_after": now - datetime.timedelta(days=1),
            }
        made = authority.issue_cert(*names, key_type=trustme.KeyType.ECDSA, **times)  # type: ignore[arg-type]
        return PrivateCertificate.loadPEM(made.private_key_and_cert_chain_pem.bytes())

    return make


@pytest.fixture(scope="session")
def example(issue: Issue) -> PrivateCertificate:
    return issue("example.com", "127.0.0.1")


@pytest.fixture
def reports() -> Iterator[list[failure.Report]]:
    """Collect what nobody handled; a test takes out what it expects."""
    with expected_reports() as collected:
        yield collected
