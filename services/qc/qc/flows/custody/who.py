"""Who acts, for which institution, now.

Promises: a department is an institution by its name and region, an organisation by its USCC; a row is written
only within the caller's reach. Leaves what may be done to the policy and the rules.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import policy
from kit.auth import Grant
from kit.problems import Fault, Forbidden, Invalid
from standards.calendar import legal_date
from standards.tables import rows

REGIONS = frozenset(row["code"] for row in rows("regions"))
ORGANISATIONS = frozenset(
    name for name, told in policy.load().departments.items() if told["kind"] == "organisation"
)


@dataclass(frozen=True)
class Doer:
    """The caller and the instant of the act."""

    grant: Grant
    now: datetime

    @property
    def today(self) -> date:
        return legal_date(self.now)

    @property
    def subject(self) -> str:
        return self.grant.principal.subject

    @property
    def text(self) -> str:
        return self.grant.principal.text

    @property
    def institution(self) -> str:
        """The USCC, or `dept@region`. Raises Forbidden where the token names neither."""
        who = self.grant.principal
        if who.uscc:
            return who.uscc
        if who.dept and who.region and who.dept not in ORGANISATIONS:
            return f"{who.dept}@{who.region}"
        raise Forbidden("no-institution", "The token names no institution 令牌未写明机构")

    def owned(self, region: str) -> dict[str, Any]:
        """The owner columns of a row in a region. Raises Invalid, or Forbidden out of reach."""
        if region not in REGIONS:
            fault = Fault(where="region", rule="GB/T 2260", what=region, mend="e.g. 131000")
            raise Invalid("region-unknown", "There is no such region 行政区代码未知", errors=[fault])
        who = self.grant.principal
        institution = self.institution
        dept = None if who.uscc else who.dept
        self.grant.require(region=region, owner_dept=dept, owner_uscc=who.uscc)
        return {"institution": institution, "owner_dept": dept, "uscc": who.uscc, "region": region}


def milliseconds(at: datetime) -> int:
    """An aware datetime as UTC milliseconds."""
    return round(at.timestamp() * 1000)
