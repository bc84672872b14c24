"""Who needs a certificate for what: dated lines of the policy, and whether a person has one that is valid.

Promises: pure; the last day of a certificate still counts; without a number or a readable day of expiry there
is none. Leaves reading the token to `model`, and refusing to `kit.auth`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from policy.dated import Dated, dated_errors


@dataclass(frozen=True, kw_only=True)
class CertificateRule(Dated):
    """Who holds one of `permissions` by `role` alone may use it with a valid certificate only."""

    id: str
    zh: str
    en: str
    role: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class Lacking:
    """Why the certificate does not do. `slug` names the problem; texts in zh and en."""

    slug: Literal["certificate-missing", "certificate-expired"]
    rule: str
    what: str
    mend: str


@dataclass(frozen=True)
class Certificates:
    """The section `certificates` of the policy."""

    lines: tuple[CertificateRule, ...] = ()

    def lacking(
        self, permission: str, by: Collection[str], number: str | None, expiry: str | None, on: date
    ) -> Lacking | None:
        """What is wrong with a certificate on the legal day `on`; None when it does, or none is needed.

        `by` are the roles that give this person the permission. Worked example:
        `lacking("cases:confirm-fraud", {"case.officer"}, "ZF-1", "2026-11-27", date(2026, 11, 28))` is
        expired; on the 27th it is None.
        """
        line = self.line(permission, by, on)
        return _lacking(line, number, expiry, on) if line else None

    def line(self, permission: str, by: Collection[str], on: date) -> CertificateRule | None:
        """The line by which holders of these roles need a certificate for a permission on a legal day."""
        for line in self.lines:
            if permission in line.permissions and set(by) == {line.role} and line.holds(on):
                return line
        return None


def _lacking(line: CertificateRule, number: str | None, expiry: str | None, on: date) -> Lacking | None:
    last = _day(expiry)
    if not number or last is None:
        what = f"令牌中没有有效的{line.zh}（证号、有效期）· the token names no {line.en} (number, expiry)"
        mend = (
            "由身份管理员在名册填写 officer_cert_no、officer_cert_expiry 后重新登录 · "
            "let the administrator enter them in the roster, then sign in again"
        )
        return Lacking("certificate-missing", line.source, what, mend)
    if last < on:
        what = f"{line.zh} {number} 已于 {last} 到期 · {line.en} {number} expired on {last}"
        mend = (
            "换发证件并由身份管理员更新名册后重新登录，或由持证人员办理 · renew it, have the roster "
            "updated and sign in again, or let a certified officer act"
        )
        return Lacking("certificate-expired", line.source, what, mend)
    return None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def certificates_of(raw: list[Mapping[str, Any]]) -> Certificates:
    """The section as read from YAML."""
    lines = (CertificateRule(**{**entry, "permissions": frozenset(entry["permissions"])}) for entry in raw)
    return Certificates(tuple(lines))


def certificate_errors(certificates: Certificates, granted: Mapping[str, Collection[str]]) -> Iterator[str]:
    """What the section names that the policy does not know. `granted`: permission → roles that hold it."""
    for line in certificates.lines:
        where = f"certificates {line.id}"
        yield from dated_errors(where, (line,))
        for name in sorted(line.permissions):
            if line.role not in granted.get(name, ()):
                yield f"{where}: {line.role} does not hold {name}"


def certificate_table(certificates: Certificates) -> Iterator[str]:
    """The section as Markdown."""
    yield "## Certificates 持证上岗"
    yield ""
    yield "| certificate | role | needed for | from | until | source |"
    yield "|---|---|---|---|---|---|"
    for line in certificates.lines:
        needed = " ".join(sorted(line.permissions))
        dates = f"{line.valid_from} | {line.valid_to or ''}"
        yield f"| {line.en} {line.zh} | {line.role} | {needed} | {dates} | {line.source} |"
