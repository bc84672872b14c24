"""Host commands as values: limits of the standard, the wire form, the states of an exchange."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest.flows.conversation import Conversation, Open
from ingest.rules.commands import Line, catalogue, check, frame, is_secret, kinds_on
from ingest.rules.exchange import ENDED, Exchange, hear, kind_of, wait_over
from ingest.rules.frames import read_line
from ingest.rules.hj212_build import build

DAY, NOW = date(2026, 11, 21), datetime(2026, 11, 21, tzinfo=UTC)
LINE = Line("010000A8900016F000169DC0", "32", "100000", 1)
SAMPLE = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)


def test_the_example_of_the_standard_comes_out() -> None:
    made = frame(
        catalogue()["set-interval"], {"RtdInterval": "30"}, LINE, "20160801085857223", datetime.now(UTC)
    )
    assert made == SAMPLE


@pytest.mark.parametrize("name", list(catalogue()))
def test_every_parameter_has_a_kind_and_every_command_both_names(name: str) -> None:
    command, kinds = catalogue()[name], kinds_on(DAY)
    assert command.zh and command.en and command.ends in ("result", "notice")
    assert {one.rstrip("?") for one in command.parameters} <= set(kinds)
    assert command.approval == any(is_secret(one) or one == "NewMN" for one in command.parameters)
    values = {one.rstrip("?"): "1" for one in command.parameters}
    made = read_line(
        frame(
            command,
            values | {"InfoId": "i13001"} if "Info" in values else values,
            LINE,
            "1" * 17,
            datetime.now(UTC),
        )
    )
    assert made is not None and not made.problems and made.fields["CN"] == str(command.cn)


@pytest.mark.parametrize(
    ("name", "wrong", "rule"),
    [
        ("set-interval", {"RtdInterval": 29}, "parameter-limit"),
        ("set-interval", {"RtdInterval": 3601}, "parameter-limit"),
        ("set-minutes", {"MinInterval": 7}, "parameter-limit"),
        ("set-timeouts", {"OverTime": 0, "ReCount": 3}, "parameter-limit"),
        ("set-timeouts", {"OverTime": 5}, "missing-parameter"),
        ("set-password", {"NewPW": "12345"}, "parameter-limit"),
        ("set-parameter", {"PolId": "a34004", "InfoId": "i13001", "Info": "1;MN=2"}, "parameter-limit"),
        ("read-time", {"Other": 1}, "unknown-parameter"),
        ("recall-hours", {"BeginTime": "20260302000000", "EndTime": "20260301000000"}, "parameter-order"),
        ("recall-hours", {"BeginTime": "20260230000000", "EndTime": "20260301000000"}, "parameter-limit"),
    ],
)
def test_what_the_standard_does_not_allow_is_refused(name: str, wrong: dict[str, Any], rule: str) -> None:
    _, (fault,) = check(catalogue()[name], wrong, DAY)
    assert fault.rule == rule and fault.mend and "12345" not in fault.what


@given(
    st.dictionaries(st.sampled_from(["PolId", "InfoId", "Info", "x"]), st.text() | st.integers(), max_size=4)
)
def test_no_value_can_break_out_of_its_field(values: dict[str, Any]) -> None:
    kept, wrong = check(catalogue()["set-parameter"], values, DAY)
    if not wrong:
        made = read_line(frame(catalogue()["set-parameter"], kept, LINE, "1" * 17, NOW))
        assert made is not None and not made.problems
        assert dict(made.segment.pairs)[f"{kept['InfoId']}-Info"] == kept["Info"].strip()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["accepted", "result", "notice", "data", "wait"]), st.sampled_from([1, 2, 100, None])
    ),
    max_size=12,
)


@given(EVENTS, st.sampled_from(["set-time", "stop-realtime", "recall-hours", "start-realtime"]))
def test_what_has_ended_stays_as_it_ended(events: list[tuple[Any, int | None]], name: str) -> None:
    command, now = catalogue()[name], Exchange("sent", attempts=1)
    end = None
    for what, code in events:
        now = wait_over(now, command, 3) if what == "wait" else hear(now, command, what, code)
        assert now.attempts <= 4
        if end is not None:
            assert (now.state, now.qn_rtn, now.exe_rtn) == end
        elif now.state in ENDED:
            end = (now.state, now.qn_rtn, now.exe_rtn)


def test_a_result_before_its_acceptance_is_a_result() -> None:
    command = catalogue()["set-time"]
    done = hear(Exchange("sent", attempts=1), command, "result", 1)
    assert done.state == "done" and hear(done, command, "accepted", 1) is done
    refused = hear(hear(Exchange("sent"), command, "accepted", 1), command, "accepted", 7)
    assert refused.state == "accepted"
    assert kind_of("9011") == ("accepted", "QnRtn") and kind_of("2061") is None


def test_an_answer_that_no_database_can_hold_costs_no_other_device_its_own() -> None:
    frame = read_line(build({"ST": 22, "CN": 2011, "MN": "A", "Flag": 5}, ["a34004-Rtd=1\x00"]))
    assert frame is not None
    made = Conversation(None, None)  # type: ignore[arg-type]
    made._open["A"] = [Open(UUID(int=1), frozenset({"2011"}), "", "", is_history=False)]
    answer = made._answer(frame, "A", "2011")
    assert answer is not None and answer.pairs == (("a34004-Rtd", "1\\0"),)
