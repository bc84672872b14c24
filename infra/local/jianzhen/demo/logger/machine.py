"""A data logger's inside: settings, clock, history, and what it answers to each host command of HJ 212.

Promises: answers as §6.5 and Appendix C of HJ 212-2017 say, unless a trick is switched on. Leaves sockets to
`line`, and the values it measures to whoever makes it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from ingest.rules.frames import Frame, parameters_of
from ingest.rules.hj212_build import build, data_frame

from jianzhen.demo.logger.tricks import Tricks

BEIJING = timezone(timedelta(hours=8))
STEPS = {"2051": timedelta(minutes=1), "2061": timedelta(hours=1), "2031": timedelta(days=1)}
STEPS |= {"2041": timedelta(days=1), "2013": timedelta(hours=1)}
MOST_HISTORY = 5000
Readings = Sequence[tuple[str, Mapping[str, str]]]
# Readings of a period by command and start (fourteen digits), None where the logger has none.
Past = Callable[[str, str], Readings | None]


@dataclass
class Reply:
    """Bytes to write `after` seconds; `cuts` ends the connection afterwards."""

    data: bytes
    after: float = 0.0
    cuts: bool = False


@dataclass
class Machine:
    """One logger. `version` is 1 for HJ 212-2017, 2 for 2025; `heard` keeps the requests it got."""

    mn: str
    password: str
    system: str = "22"
    version: int = 1
    past: Past = lambda command, start: None
    tricks: Tricks = field(default_factory=Tricks)
    settings: dict[str, str] = field(default_factory=lambda: {"RtdInterval": "60", "MinInterval": "1"})
    serial: str = "010000A8900016F000169DC0"
    is_streaming: bool = False
    shows_status: bool = False
    clock_set_by: timedelta = timedelta()
    heard: list[dict[str, str]] = field(default_factory=list)
    key: str | None = None
    _last_qn: int = 0
    _sent: int = 0

    def now(self) -> datetime:
        return datetime.now(BEIJING) + self.clock_set_by + timedelta(seconds=self.tricks.clock)

    def qn(self) -> str:
        """A QN of its own clock, never the same twice."""
        now = self.now()
        number = int(f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}")
        self._last_qn = max(number, self._last_qn + 1)
        return str(self._last_qn)

    def data(self, command: str, start: str, readings: Readings) -> bytes:
        """One data frame that asks for its acknowledgement."""
        device: dict[str, str | int] = {"ST": self.system, "PW": self.password, "MN": self.mn}
        device["Flag"] = self.version << 2 | 1
        return data_frame(device, int(command), start, readings, qn=self.qn())

    def notice(self, command: str, groups: Sequence[str] = ()) -> bytes:
        """A frame of its own accord: 1013 asks for the time, 9015 is a heartbeat."""
        head: dict[str, str | int] = {"QN": self.qn(), "ST": self.system, "CN": command, "PW": self.password}
        return build(head | {"MN": self.mn, "Flag": self.version << 2 | 1}, groups)

    def answer(self, frame: Frame) -> list[Reply]:
        """What it says to a request, tricks included."""
        fields, tricks = dict(frame.fields), self.tricks
        self.heard.append(fields | parameters_of(frame.segment))
        if tricks.never_answers:
            return []
        if fields["CN"] in ("2012", "2022"):
            setattr(self, "is_streaming" if fields["CN"] == "2012" else "shows_status", False)
            replies = [Reply(self._receipt(fields, "9013"))]
        else:
            replies = self._execute(fields, parameters_of(frame.segment), dict(frame.segment.pairs))
        return self._twisted(replies)

    def _execute(self, fields: dict[str, str], given: dict[str, str], pairs: dict[str, str]) -> list[Reply]:
        code = self.tricks.refuses or (3 if fields.get("PW") != self.password else 1)
        accepted = Reply(self._receipt(fields, "9011", f"QnRtn={code}"))
        if code != 1:
            return [accepted]
        data = [Reply(one) for one in self._obey(fields["CN"], given, pairs)]
        if fields["CN"] in STEPS and not data:
            return [accepted, Reply(self._receipt(fields, "9012", "ExeRtn=100"))]
        done = Reply(self._receipt(fields, "9012", f"ExeRtn={self.tricks.fails or 1}"))
        if fields["CN"] == "1072" and not self.tricks.fails:
            self.password = given["NewPW"]
        if fields["CN"] in STEPS:
            data = self._spoiled(data)
        if self.tricks.answers_data_only:
            return data
        replies = [accepted, *data, done]
        return replies[::-1] if self.tricks.out_of_order else replies

    def _obey(self, cn: str, given: dict[str, str], pairs: dict[str, str]) -> Iterator[bytes]:
        """Do what is asked; the data frames that belong to it."""
        factor = given.get("PolId", "a34004")
        if cn in STEPS:
            yield from self._history(cn, given)
        elif cn == "1012":
            wanted = _moment(given["SystemTime"])
            self.tricks.clock, self.clock_set_by = 0.0, wanted - datetime.now(BEIJING)
        elif cn in ("2011", "2021"):
            setattr(self, "is_streaming" if cn == "2011" else "shows_status", True)
            yield (
                self.realtime(factor)
                if cn == "2011"
                else self.notice("2021", [f"DataTime={self.now():%Y%m%d%H%M%S}", "SB1-RS=1"])
            )
        elif cn in ("1000", "1062", "1064", "3016", "3021", "1014"):
            self.settings |= given | {name: value for name, value in pairs.items() if name.endswith("-Info")}
        elif (groups := self._told(cn, factor, given)) is not None:
            yield self.notice("2062" if cn == "3024" else cn, groups)

    def realtime(self, factor: str = "a34004", value: str = "35.0") -> bytes:
        """A realtime frame of now."""
        return self.data("2011", f"{self.now():%Y%m%d%H%M%S}", [(factor, {"Rtd": value, "Flag": "N"})])

    def _told(self, cn: str, factor: str, given: dict[str, str]) -> list[str] | None:
        """The CP of what it was asked to tell."""
        now, serial = f"{self.now():%Y%m%d%H%M%S}", self.serial
        if self.tricks.changes_serial:
            serial = serial[::-1]
        told = {
            "1001": [f"i23005-Info={serial}", "i23006-Info=CPU1"],
            "1011": [f"SystemTime={now}"],
            "1061": [f"RtdInterval={self.settings['RtdInterval']}"],
            "1063": [f"MinInterval={self.settings['MinInterval']}"],
            "3015": [f"DataTime={now}", "VaseNo=7"],
            "3017": [f"PolId={factor}", "CstartTime=000000", f"Ctime={self.settings.get('Ctime', '2')}"],
            "3018": [f"PolId={factor}", "Stime=30"],
            "3019": [f"PolId={factor}", f"{factor}-SN={serial}"],
            "3020": [f"DataTime={now}", f"PolId={factor}", f"{given.get('InfoId', 'i13001')}-Info=100"],
            "3024": [f"DataTime={now}", f"{factor}-SampleRd=50.1,{factor}-StandardValue=50,ResultType=1"],
        }
        return told.get(cn)

    def _history(self, cn: str, given: dict[str, str]) -> Iterator[bytes]:
        at, stop = _moment(given["BeginTime"]), _moment(given["EndTime"])
        for _ in range(MOST_HISTORY):
            if at > stop:
                return
            readings = self.past(cn, f"{at:%Y%m%d%H%M%S}")
            if readings is not None:
                yield self.data(cn, f"{at:%Y%m%d%H%M%S}", readings)
            at += STEPS[cn]

    def _spoiled(self, data: list[Reply]) -> list[Reply]:
        """History frames that get lost, are sent again, or end in a broken line."""
        kept: list[Reply] = []
        for number, one in enumerate(data, 1):
            self._sent += 1
            if self.tricks.loses_every and self._sent % self.tricks.loses_every == 0:
                continue
            kept += [one, one] if self.tricks.resends else [one]
            if self.tricks.drops_after is not None and number >= self.tricks.drops_after:
                self.tricks.drops_after = None
                kept[-1] = Reply(one.data, cuts=True)
                break
        return kept

    def _twisted(self, replies: list[Reply]) -> list[Reply]:
        made: list[Reply] = []
        for reply in replies:
            noise = b"#noise#;\r\n##12" if self.tricks.garbage else b""
            made.append(Reply(noise + reply.data, self.tricks.late, reply.cuts))
            if self.tricks.twice:
                made.append(Reply(reply.data))
        return made

    def _receipt(self, fields: Mapping[str, str], cn: str, *groups: str) -> bytes:
        head: dict[str, str | int] = {"QN": fields["QN"], "ST": 91, "CN": cn, "PW": self.password}
        return build(head | {"MN": self.mn, "Flag": self.version << 2}, groups)


def utc_of(start: str) -> int:
    """Epoch seconds of fourteen digits as a logger writes them."""
    return int(_moment(start).astimezone(UTC).timestamp())


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
