"""What somebody says to be reading for: one of the policy's purposes, with the case where it needs one."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from policy import Purpose

CASE = re.compile(r"\w[\w.:/〔〕()\[\]-]{0,63}")
LONGEST = 4096


class NoPurpose(ValueError):
    """Nothing was said that counts; `slug` is the kind, the text says how to mend it."""

    def __init__(self, slug: str, text: str) -> None:
        super().__init__(text)
        self.slug = slug


def said(uri: str) -> tuple[str | None, str | None]:
    """Purpose and case of a query, for who cannot set headers."""
    query = uri.partition("?")[2][:LONGEST]
    if "purpose=" not in query:
        return None, None
    try:
        found = parse_qs(query, max_num_fields=100)
    except ValueError:
        return None, None
    return found.get("purpose", [None])[0], found.get("case", [None])[0]


def case_of(said: str | None) -> str | None:
    """The case named by a header (percent-encoded where it is not ASCII); what cannot be a number is none.

    Worked example: `case_of("%E5%86%80-7")` is `冀-7`.
    """
    number = unquote(said or "")
    return number if CASE.fullmatch(number) else None


def purpose_of(known: Mapping[str, Purpose], said: str | None, case: str | None) -> str:
    """The purpose that was said. Raises NoPurpose when there is none that counts."""
    purpose = known.get(said or "")
    if said is None or purpose is None:
        among = ", ".join(f"{code} {one.zh}" for code, one in known.items())
        slug = "purpose-missing" if said is None else "purpose-unknown"
        raise NoPurpose(
            slug,
            f"Say what you read this for: header X-Purpose, one of {among} 请在 X-Purpose 中说明查阅目的",
        )
    if purpose.needs_case and case is None:
        text = "Say which case: header X-Case with its number 请在 X-Case 中写明案件编号"
        raise NoPurpose("purpose-case-missing", text)
    return said
