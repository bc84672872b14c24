"""Bodies and answers of credit. Made by `make docs`: do not edit."""

from typing import TypedDict


class BanPerson(TypedDict):
    """从业禁止 on a decision. `person` is the subject in the identity realm."""

    person: str
    name: str
    region: str
    ground: str
    decision_no: str
    decided_on: str


class LiftBan(TypedDict):
    """The decision was annulled: reasons are mandatory."""

    reason: str
