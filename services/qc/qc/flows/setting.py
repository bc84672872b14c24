"""What every flow of qc is given beside its values: the rules, the memory of series, and the time.

Promises: one rule pack and one memory for the whole process. Leaves the clock to the doors.
"""

from dataclasses import dataclass
from datetime import datetime

from qc.queries.series import Directory
from qc.rules.pack import RulePack, load_pack

PACK = load_pack()
DIRECTORY = Directory()


@dataclass(frozen=True)
class Setting:
    """`now` is the instant the flow runs at; `directory` belongs to the process."""

    pack: RulePack
    directory: Directory
    now: datetime


def setting_at(now: datetime) -> Setting:
    """The packaged rules and this process's memory of series, at `now`."""
    return Setting(PACK, DIRECTORY, now)
