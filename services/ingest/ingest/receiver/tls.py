"""TLS for data loggers: the second listener's context, and who a client certificate names.

Promises: TLS 1.2 at least; where client certificates are asked for, only those of the given authority count;
a renewed certificate file is used for new connections within a minute. Leaves to `flows.frames` whether the
named subject may speak for an MN.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}


@dataclass(frozen=True)
class Papers:
    """Files of the TLS listener. `client_ca` asks for client certificates, `client_required` insists."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    client_required: bool = False


class Keeper:
    """The context, renewed when the files change."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if papers.client_ca is not None:
            self.context.load_verify_locations(papers.client_ca)
            required = papers.client_required
            self.context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        self._read_at = 0.0
        self.renew()

    def renew(self) -> bool:
        """Read the files again if they are newer; whether they were."""
        newest = max(path.stat().st_mtime for path in (self._papers.certificate, self._papers.key))
        if newest <= self._read_at:
            return False
        self.context.load_cert_chain(self._papers.certificate, self._papers.key)
        self._read_at = newest
        return True


def subject_of(certificate: Any) -> str | None:
    """The subject of a verified client certificate, None without one.

    Worked example: a certificate for `CN=131000A01000000000000001, O=Example` gives
    `CN=131000A01000000000000001,O=Example`.
    """
    if not certificate:
        return None
    parts = [pair for group in certificate.get("subject", ()) for pair in group]
    return ",".join(f"{_SHORT.get(name, name)}={value}" for name, value in parts) or None
