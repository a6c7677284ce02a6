"""What people show at the door."""

from __future__ import annotations

import hmac

import pytest
from zope.interface.verify import verifyObject

from selvage.auth import (
    Anonymous,
    CramMD5Credentials,
    DigestedCredentials,
    IAnonymous,
    ISSHPrivateKey,
    IUsernameHashedPassword,
    IUsernamePassword,
    SSHPrivateKey,
    UsernamePassword,
    _deprecated,
    _secrets,
)


def test_what_they_provide():
    assert verifyObject(IUsernamePassword, UsernamePassword(b"a", b"b"))
    assert verifyObject(IUsernameHashedPassword, CramMD5Credentials())
    assert verifyObject(IAnonymous, Anonymous())
    assert verifyObject(ISSHPrivateKey, SSHPrivateKey(b"a", b"ssh-ed25519", b"blob", None, None))
    assert not IUsernameHashedPassword.providedBy(UsernamePassword(b"a", b"b"))


def test_text_stands_for_its_utf_8():
    assert UsernamePassword(b"ann", "ärger".encode()).checkPassword("ärger")
    assert UsernamePassword("ann", "x").checkPassword(b"x")
    assert not UsernamePassword(b"ann", b"x").checkPassword(None)
    assert not UsernamePassword(b"ann", b"x").checkPassword("y")


def test_attack_091_no_repr_has_the_password():
    for each in (
        UsernamePassword(b"ann", b"secret"),
        CramMD5Credentials(),
        DigestedCredentials(b"ann", b"GET", b"r", {"response": b"secret"}),
    ):
        assert "secret" not in repr(each) and "secret" not in str(each)


def test_cram_md5():
    """The example of RFC 2195."""
    credentials = CramMD5Credentials()
    credentials.challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    credentials.setResponse(b"tim b913a602c7eda7a495b4e6e7334d3890")
    assert credentials.username == b"tim" and not credentials.moreChallenges()
    assert credentials.checkPassword(b"tanstaaftanstaaf") and credentials.checkPassword("tanstaaftanstaaf")
    assert not credentials.checkPassword(b"tanstaaf")


def test_each_challenge_is_another_and_stays():
    one, other = CramMD5Credentials("h"), CramMD5Credentials(b"h")
    assert one.getChallenge() == one.getChallenge() != other.getChallenge()
    assert one.getChallenge().startswith(b"<") and one.getChallenge().endswith(b"@h>")


@pytest.mark.parametrize("answer", [b"", b" ", b"tim", b"tim "])
def test_what_is_no_answer(answer):
    credentials = CramMD5Credentials()
    credentials.getChallenge()
    with pytest.raises(ValueError, match="RFC 2195"):
        credentials.setResponse(answer)
    assert not credentials.checkPassword(b"")


def test_passwords_are_compared_in_constant_time(monkeypatch):
    """Each comparison is one of `hmac.compare_digest`, whose time does not depend on where they differ."""
    compared = []

    def spy(one, other):
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(_secrets, "compare_digest", spy)
    digest = DigestedCredentials(b"ann", b"GET", b"r", {"response": b"x"})
    with pytest.warns(DeprecationWarning):
        hashed = _deprecated.UsernameHashedPassword(b"ann", b"x")
    for credentials in (UsernamePassword(b"ann", b"x"), CramMD5Credentials(), digest, hashed):
        compared.clear()
        assert not credentials.checkPassword(b"secret")
        assert len(compared) == 1
    assert not digest.checkHash(b"0") and len(compared) == 2
