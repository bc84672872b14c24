"""What every flow of qc is given beside its values: the rules, the memory of series, and the time.

Promises: one rule pack and one memory for the whole process. Leaves the clock to the doors.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import structlog
from kit.problems import NotReady

from qc.queries.series import Directory
from qc.rules import source
from qc.rules.closing.pack import ClosingPack, load_closing_pack
from qc.rules.pack import RulePack, load_pack

DIRECTORY = Directory()
LOCAL = timezone(timedelta(hours=8))
log = structlog.get_logger()


@dataclass(frozen=True)
class Setting:
    """`now` is the instant the flow runs at; `directory` belongs to the process."""

    pack: RulePack
    directory: Directory
    now: datetime


@source.once
def pack() -> RulePack:
    """The rules the process judges with."""
    return load_pack()


def closing_pack() -> ClosingPack:
    """The falsification tests of the same rules, and when days are closed."""
    return load_closing_pack()


def out_of_force(now: datetime) -> str | None:
    """Why the rules may not judge at `now`, in zh and en; None while they may."""
    told, on = source.current(), now.astimezone(LOCAL).date()
    if told.holds(on):
        return None
    until = f"{told.valid_from} – {told.valid_to}"
    return (
        f"规则包 {told.version} 的有效期为 {until}，今日为 {on}，停止判定，请更换规则包 · the rule pack "
        f"{told.version} is in force {until}, today is {on}: nothing is judged until there is a newer pack"
    )


def setting_at(now: datetime) -> Setting:
    """The rules and this process's memory of series, at `now`. NotReady while the rules may not judge."""
    told = out_of_force(now)
    if told is not None:
        raise NotReady("rule-pack-out-of-force", told, retry_after=600)
    return Setting(pack(), DIRECTORY, now)


def stated(now: datetime) -> dict[str, str | bool | list[str] | None]:
    """Which pack the process judges with: version, sha256, issuer, signers, validity, and `rules`."""
    return {"rules": pack().version} | source.current().told(now.astimezone(LOCAL).date())


def state(now: datetime) -> None:
    """Says so in the log: whoever reads a verdict later can tell by which rules it was made."""
    log.info("judging_with", **stated(now))
