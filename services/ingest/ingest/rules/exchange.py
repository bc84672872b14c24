"""The states of one command to one device, and what an answer, a packet or a time-out makes of them (§6.5).

Promises: pure; answers that come late, twice or out of order change nothing that is decided. Leaves time and
storage to the flows.

requested → sent → accepted (9011) → executing (data) → done | failed (9012); refused (9011 ≠ 1), timed-out,
cancelled. Data or a result before 9011 imply that the device accepted.
"""

from typing import Literal

import msgspec

from ingest.rules.commands import Command

OPEN = frozenset({"sent", "accepted", "executing"})
ENDED = frozenset({"done", "refused", "failed", "timed-out", "cancelled"})
READY, SUCCESS = 1, 1
Heard = Literal["accepted", "result", "notice", "data"]
_HEARD: dict[str, tuple[Heard, str | None]] = {
    "9011": ("accepted", "QnRtn"),
    "9012": ("result", "ExeRtn"),
    "9013": ("notice", None),
}
QN_RTN = {
    1: ("准备执行请求", "ready"), 2: ("请求被拒绝", "refused"), 3: ("密码错误", "wrong password"),
    4: ("MN 错误", "wrong MN"), 5: ("ST 错误", "wrong ST"), 6: ("Flag 错误", "wrong Flag"),
    7: ("QN 错误", "wrong QN"), 8: ("CN 错误", "wrong CN"), 9: ("CRC 校验错误", "wrong CRC"),
    100: ("未知错误", "unknown error"),
}  # fmt: skip
EXE_RTN = {
    1: ("执行成功", "success"), 2: ("执行失败，原因未知", "failed, reason unknown"),
    3: ("命令请求条件错误", "wrong condition"), 4: ("通讯超时", "communication time-out"),
    5: ("系统繁忙不能执行", "busy"), 6: ("系统故障", "system failure"), 100: ("没有数据", "no data"),
}  # fmt: skip


class Exchange(msgspec.Struct, frozen=True):
    """How far a command has come."""

    state: str
    attempts: int = 0
    packets: int = 0
    qn_rtn: int | None = None
    exe_rtn: int | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def kind_of(cn: str) -> tuple[Heard, str | None] | None:
    """What an answer frame says, and the CP field with its code; None for all other frames."""
    return _HEARD.get(cn)


def hear(exchange: Exchange, command: Command, what: Heard, code: int | None = None) -> Exchange:
    """The exchange after an answer; the same object where it changes nothing.

    Worked example: a 9012 with ExeRtn 1 that comes before its 9011 makes `sent` to `done`; the 9011 that
    follows changes nothing.
    """
    change = msgspec.structs.replace
    if what == "data":
        state = "executing" if exchange.is_open else exchange.state
        return change(exchange, state=state, packets=exchange.packets + 1)
    if not exchange.is_open:
        return exchange
    if what == "accepted":
        if exchange.state != "sent":
            return exchange
        return change(exchange, state="accepted" if code == READY else "refused", qn_rtn=code)
    if what == "notice":
        return change(exchange, state="done") if command.ends == "notice" else exchange
    return change(exchange, state="done" if code == SUCCESS else "failed", exe_rtn=code)


def wait_over(exchange: Exchange, command: Command, resends: int) -> Exchange:
    """The exchange when its waiting time is over: sent again, or given up (§6.2 table 1: three resends).

    A stream that runs needs no 9012 to be a success.
    """
    change = msgspec.structs.replace
    if exchange.state == "sent" and exchange.attempts <= resends:
        return change(exchange, attempts=exchange.attempts + 1)
    if exchange.state == "executing" and command.is_endless:
        return change(exchange, state="done")
    return change(exchange, state="timed-out") if exchange.is_open else exchange
