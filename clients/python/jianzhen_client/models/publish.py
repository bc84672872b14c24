"""Bodies and answers of publish. Made by `make docs`: do not edit."""

from typing import Literal, NotRequired, TypedDict

DraftRequest = TypedDict("DraftRequest", {"item_code": "str", "region": "str", "from": "str"})


class Approval(TypedDict):
    """The digest of the draft that was looked at; a draft that has changed since is not approved."""

    sha256: NotRequired[str | None]


class Pair(TypedDict):
    """A text in both languages."""

    zh: str
    en: str


class QualityGate(TypedDict):
    """Share (0–1) of the measuring stations an item needs; items excused by HJ 633-2026 §5.3.2."""

    min_station_share: float
    exempt_factors: NotRequired[list[str]]


class CatalogueEntry(TypedDict):
    """A catalogue item as its keeper writes it."""

    title: Pair
    content: Pair
    region: str
    indicator_set: Literal["aqi-hourly"]
    level: Literal["nation", "province", "prefecture", "county"]
    owner_dept: str
    consult_depts: NotRequired[list[str]]
    outlet: str
    frequency: str
    grace_minutes: int
    draft_window_hours: int
    media: list[str]
    legal_basis: Pair
    quality_gate: QualityGate
    retention: Pair
    license: Pair
    valid_from: str
    valid_to: NotRequired[str | None]
