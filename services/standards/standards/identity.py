"""Check characters and shapes of identifiers: organisations, persons, pollution sources, outlets, devices.

Promises: every check returns a `Check` with what is odd, in Chinese and English, and the check character that
would be right. It warns and never rejects: registers contain issued codes that fail. Leaves to others:
whether the code is registered, and storing resident numbers encrypted (`masked` gives what may be shown).
"""

import re
from dataclasses import dataclass, field
from datetime import date

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_OUTLET = re.compile(r"(?P<source>.*?)-?(?P<outlet>D[AW]\d{3})")


@dataclass(frozen=True, slots=True)
class Warned:
    """One oddity: a slug for programs, and a sentence in each language."""

    slug: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome: `ok` means no warning; `expected` is the right check character where there is one."""

    value: str
    warnings: tuple[Warned, ...] = ()
    expected: str | None = None
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True if nothing is odd."""
        return not self.warnings


def _shape(zh: str, en: str) -> Warned:
    return Warned("shape", f"格式不符：{zh}", f"Not the expected form: {en}")


def _check_character(expected: str, found: str) -> tuple[Warned, ...]:
    if expected == found:
        return ()
    zh, en = f"校验码应为 {expected}，实为 {found}", f"The check character is {found}, not {expected}"
    return (Warned("check-character", zh, en),)


def uscc(text: str) -> Check:
    """Unified social credit code (GB 32100-2015): 18 characters, the inner organisation code checked too.

    >>> uscc("91350100M000100Y4Z").expected
    '3'
    """
    value = text.strip().upper()
    if len(value) != 18 or any(character not in _USCC for character in value[:17]):
        return Check(value, (_shape("应为18位", "18 characters of the set without I O S V Z"),))
    total = sum(
        _USCC.index(character) * weight for character, weight in zip(value[:17], _USCC_WEIGHTS, strict=True)
    )
    expected = _USCC[-total % 31]
    parts = {"region": value[2:8], "organisation": value[8:17]}
    warnings = _check_character(expected, value[17])
    inner = organisation_code(parts["organisation"])
    if not inner.ok:
        warnings += (
            Warned("inner-organisation-code", "所含组织机构代码校验码不符", "Inner organisation code fails"),
        )
    return Check(value, warnings, expected, parts)


def organisation_code(text: str) -> Check:
    """Organisation code (GB 11714): 8 characters and a check character, with or without the hyphen."""
    value = text.strip().upper().replace("-", "")
    if not re.fullmatch(r"[0-9A-Z]{8}[0-9X]", value):
        return Check(value, (_shape("应为8位本体代码加1位校验码", "8 characters and a check character"),))
    total = sum(
        _ORGANISATION.index(character) * weight
        for character, weight in zip(value[:8], _ORGANISATION_WEIGHTS, strict=True)
    )
    expected = "0123456789X"[-total % 11]
    return Check(value, _check_character(expected, value[8]), expected)


def resident_id(text: str) -> Check:
    """Citizen identification number (GB 11643): 17 digits, a real date, a check character.

    >>> resident_id("11010519491231002X").ok
    True
    """
    value = text.strip().upper()
    if not re.fullmatch(r"\d{17}[\dX]", value, re.ASCII):
        return Check(value, (_shape("应为17位数字加校验码", "17 digits and a check character"),))
    total = sum(int(digit) * weight for digit, weight in zip(value[:17], _RESIDENT_WEIGHTS, strict=True))
    expected = "10X98765432"[total % 11]
    warnings = _check_character(expected, value[17])
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        warnings += (Warned("date", "出生日期不存在", "The date of birth does not exist"),)
    return Check(value, warnings, expected)


def masked(resident: str) -> str:
    """A resident number as it may be shown: first three and last two characters."""
    value = resident.strip()
    return value[:3] + "*" * max(0, len(value) - 5) + value[-2:] if len(value) > 5 else "*" * len(value)


def source_code(text: str) -> Check:
    """Pollution-source code (HJ 608-2017): USCC, three digits, `P`; units without USCC: `H9`, region.

    >>> source_code("91130200699229617X001P").ok
    True
    """
    value = text.strip().upper()
    if re.fullmatch(r"H9\d{6}[0-9A-Z]{10}\d{3}[A-Z]", value, re.ASCII):
        return Check(value, parts={"region": value[2:8], "sequence": value[18:21], "letter": value[21]})
    if not re.fullmatch(r"[0-9A-Z]{18}\d{3}[A-Z]", value, re.ASCII):
        return Check(value, (_shape("应为18位代码加3位序号加P", "a code of 18, three digits and P"),))
    inner = uscc(value[:18])
    parts = {"uscc": value[:18], "sequence": value[18:21], "letter": value[21]}
    return Check(value, inner.warnings, inner.expected, parts)


def outlet_code(text: str) -> Check:
    """Outlet code (HJ 608-2017): `DA001` (air) or `DW001` (water), alone or after its source code.

    >>> outlet_code("91130200699229617X001P-DA001").parts["outlet"]
    'DA001'
    """
    value = text.strip().upper()
    match = _OUTLET.fullmatch(value)
    if match is None:
        return Check(value, (_shape("应为 DA 或 DW 加3位数字", "DA or DW and three digits"),))
    parts = {"outlet": match["outlet"], "element": "gas" if match["outlet"][1] == "A" else "water"}
    if not match["source"]:
        return Check(value, parts=parts)
    source = source_code(match["source"])
    return Check(value, source.warnings, source.expected, parts | source.parts)


def mn(text: str, dialect: str | None = None) -> Check:
    """Device number of HJ 212: 24 hexadecimal digits (2017: EPC-96; 2025: given by the host), 14 in 2005.

    `dialect` is `2005`, `2017` or `2025` if the frame's Flag tells. EPC fields are in `parts` (hexadecimal).

    >>> mn("010000A8900016F000169DC0").parts["manufacturer"]
    '0000A89'
    """
    value = text.strip()
    if re.fullmatch(r"[0-9A-F]{24}", value):
        fields = {"header": value[:2], "manufacturer": value[2:9], "class": value[9:15], "serial": value[15:]}
        wrong = dialect == "2005"
        return Check(value, (_dialect("14", dialect),) if wrong else (), parts=fields)
    if re.fullmatch(r"[0-9A-Za-z]{14}", value):
        wrong = dialect in ("2017", "2025")
        return Check(value, (_dialect("24", dialect),) if wrong else (), parts={"dialect": "2005"})
    return Check(value, (_shape("应为24位十六进制，或2005版14位", "24 hexadecimal digits, or 14 in 2005"),))


def _dialect(length: str, dialect: str | None) -> Warned:
    return Warned(
        "dialect", f"{dialect} 版应为 {length} 位", f"The dialect of {dialect} has {length} characters"
    )
