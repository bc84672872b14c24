"""What every flow of qc is given beside its values: the rules, the memory of series, and the clock."""

from dataclasses import dataclass
from datetime import datetime

from qc.queries.series import Directory
from qc.rules.pack import RulePack


@dataclass(frozen=True)
class Setting:
    """`now` is the instant the flow runs at; `directory` belongs to the process."""

    pack: RulePack
    directory: Directory
    now: datetime
