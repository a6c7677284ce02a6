"""Distinguished names: whom a certificate is about, and who says so.  Floor 2."""

from __future__ import annotations

from typing import Any

__all__ = ["DN", "DistinguishedName", "name_from_facts", "name_from_x509", "x509_name"]

#: By each spelling the full name of a field.
FIELDS = {
    "CN": "commonName",
    "commonName": "commonName",
    "O": "organizationName",
    "organizationName": "organizationName",
    "OU": "organizationalUnitName",
    "organizationalUnitName": "organizationalUnitName",
    "L": "localityName",
    "localityName": "localityName",
    "ST": "stateOrProvinceName",
    "stateOrProvinceName": "stateOrProvinceName",
    "C": "countryName",
    "countryName": "countryName",
    "emailAddress": "emailAddress",
}

#: The object identifiers of RFC 4519 and, for the address, PKCS #9.
OIDS = {
    "commonName": "2.5.4.3",
    "organizationName": "2.5.4.10",
    "organizationalUnitName": "2.5.4.11",
    "localityName": "2.5.4.7",
    "stateOrProvinceName": "2.5.4.8",
    "countryName": "2.5.4.6",
    "emailAddress": "1.2.840.113549.1.9.1",
}

# Where the values begin in what `inspect` shows: the longest field name, indented by two.
_COLUMN = 26


class DistinguishedName(dict[str, bytes]):
    """A name in the sense of X.500, with the fields that certificates use; each is bytes (UTF-8), and text is taken, too.

    Fields are attributes, under their full names and the usual abbreviations: `DN(CN="example.com").commonName`.

    Twisted: `twisted.internet.ssl.DistinguishedName`, but a name that is not ASCII is UTF-8 and no error.
    """

    def __init__(self, **kw: str | bytes) -> None:
        super().__init__()
        for field, value in kw.items():
            setattr(self, field, value)

    def __setattr__(self, attr: str, value: str | bytes) -> None:
        if attr not in FIELDS:
            raise AttributeError(f"{attr} is not a valid OpenSSL X509 name field")
        self[FIELDS[attr]] = value.encode("utf-8") if isinstance(value, str) else value

    def __getattr__(self, attr: str) -> bytes:
        try:
            return self[FIELDS[attr]]
        except KeyError:
            raise AttributeError(attr) from None

    def __repr__(self) -> str:
        return f"<DN {dict.__repr__(self)[1:-1]}>"

    def inspect(self) -> str:
        """Return the fields for people to read, one a line, in alphabetic order."""
        lines = []
        for field in sorted(set(FIELDS.values())):
            if field in self:
                words = "".join(f" {letter}" if letter.isupper() else letter for letter in field).title()
                lines.append(f"{words:>{_COLUMN}}: {self[field].decode('utf-8', 'backslashreplace')}")
        return "\n".join(lines)


DN = DistinguishedName


def name_from_facts(facts: tuple[tuple[tuple[str, str], ...], ...]) -> DistinguishedName:
    """Return the name that the standard library has read from a certificate; fields that a DN has not are left out."""
    name = DistinguishedName()
    for relative in facts:
        for field, value in relative:
            if field in FIELDS:
                setattr(name, field, value)
    return name


def x509_name(name: DistinguishedName, x509: Any) -> Any:
    """Return a name as the package `cryptography` takes it.

    Args:
        x509: the module `cryptography.x509`.
    """
    return x509.Name(
        [
            x509.NameAttribute(x509.ObjectIdentifier(OIDS[field]), value.decode("utf-8"))
            for field, value in name.items()
            if field in OIDS
        ]
    )


def name_from_x509(name: Any) -> DistinguishedName:
    """Return what `cryptography` has as a name.

    Raises:
        ValueError: it has a field that a DN has not.
    """
    fields = {oid: field for field, oid in OIDS.items()}
    made = DistinguishedName()
    for attribute in name:
        field = fields.get(attribute.oid.dotted_string)
        if field is None:
            raise ValueError(f"a distinguished name has no field for {attribute.oid}")
        setattr(made, field, attribute.value)
    return made
