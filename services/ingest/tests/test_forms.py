"""Bodies that are recognised by their form mean what they mean when they are read as a whole."""

import gzip
import json
from datetime import date
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from ingest.rules.bodies import BodyRefused, decode_body
from ingest.rules.forms import Forms
from ingest.rules.limits import limits_on
from ingest.rules.rows import BatchRefused, Columns, read_batch
from msgspec.structs import astuple, replace

LIMITS = limits_on(date(2026, 11, 21))
NAMES = ["site", "factor", "statistic", "time", "value"]
NUMBERS = st.one_of(
    st.none(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.just(-0.0)
)


def body(time: str, values: list[Any], names: list[str] = NAMES, **more: Any) -> bytes:
    rows = [[f"131000-A{at:02d}", "a34004", "avg", time, value] for at, value in enumerate(values)]
    cells = {"source": "s]", "columns": names, "data": rows, **more}
    return json.dumps(cells, separators=(",", ":")).encode()


def plainly(raw: bytes, encoding: str = "identity") -> Any:
    try:
        return told(read_batch(decode_body(raw, encoding, LIMITS), LIMITS.rows_per_batch))
    except (BatchRefused, BodyRefused) as error:
        return type(error), error.flaw


def told(batch: Columns) -> Any:
    cells = replace(
        batch, keys=list(batch.keys), times=list(batch.times), values=list(batch.values), form=None
    )
    return astuple(cells), [(type(value), repr(value)) for value in batch.values]


def known(*bodies: bytes) -> Forms:
    forms = Forms()
    for raw in bodies:
        forms.read(raw, "identity", LIMITS)
    return forms


def by_form(forms: Forms, raw: bytes, encoding: str = "identity") -> Any:
    try:
        return told(forms.read(raw, encoding, LIMITS))
    except (BatchRefused, BodyRefused) as error:
        return type(error), error.flaw


@given(st.lists(NUMBERS, min_size=3, max_size=3), st.sampled_from(["2026-11-21T09:00:00Z", "20261121090000"]))
def test_other_values_at_another_time_are_recognised(values: list[Any], time: str) -> None:
    forms = Forms()
    first = forms.read(body("2026-11-21T08:00", [1, 2.5, None]), "identity", LIMITS)
    raw = body(time, values)
    later = forms.read(raw, "identity", LIMITS)
    assert later.keys is first.keys and told(later) == plainly(raw)
    assert by_form(forms, gzip.compress(raw), "gzip") == told(later)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=3)
)
@example([(72, 1, b"]")])
@example([(0, 0, b"\xef\xbb\xbf")])
def test_a_body_that_was_changed_anywhere_means_what_it_means_alone(
    cuts: list[tuple[int, int, bytes]],
) -> None:
    raw = body("2026-11-21T09:00", [1, 20.5, None, 4])
    for at, length, instead in cuts:
        raw = raw[:at] + instead + raw[at + length :]
    assert by_form(known(body("2026-11-21T08:00", [7, 2, 3.25, 0])), raw) == plainly(raw)


@given(st.data())
def test_cells_that_are_no_numbers_are_told_as_ever(data: st.DataObject) -> None:
    odd = st.one_of(
        NUMBERS, st.booleans(), st.text(max_size=5), st.lists(st.integers(), max_size=2), st.just({"]": 1})
    )
    values = data.draw(st.lists(odd, min_size=2, max_size=2))
    times = data.draw(
        st.sampled_from(["2026-11-21T09:00", "2026-11-21 09:00:00.5+08:00", "never", "131000-A00"])
    )
    raw = body(times, values).replace(
        b"2.5", data.draw(st.sampled_from([b"2.5", b"1e999", b"-", b"NaN", b" 2"]))
    )
    assert by_form(known(body("2026-11-21T08:00", [1, 2])), raw) == plainly(raw)


def test_what_only_looks_like_a_form_is_read_as_a_whole() -> None:
    learnt = body("2026-11-21T08:00", [1, 2])
    for raw in (
        body("2026-11-21T09:00", [1, 2], historical=True),
        body("2026-11-21T09:00", [1]),
        learnt.replace(b"T08:00", b"T09:00", 1),
        learnt.replace(b'"2026-11-21T08:00",2', b'"2026-11-21T08:00","2"'),
        learnt.replace(b"A01", b"A02"),
        learnt.replace(b",2]", b",2,3]"),
        learnt.replace(b"s]", b"s"),
        learnt.replace(b"value", b"time").replace(b"time", b"value", 1),
        learnt.replace(b'"avg"', b'"2026-11-21T08:00"'),
    ):
        assert by_form(known(learnt), raw) == plainly(raw), raw
        assert by_form(known(raw) if plainly(raw)[0] is not BatchRefused else Forms(), raw) == plainly(raw), (
            raw
        )


def test_a_form_counts_within_the_limits_of_the_day() -> None:
    forms = known(body("2026-11-21T08:00", [1, 2]))
    narrow = replace(LIMITS, rows_per_batch=1)
    try:
        forms.read(body("2026-11-21T09:00", [1, 2]), "identity", narrow)
    except BatchRefused as error:
        assert error.flaw.rule == "batch-size"
    else:
        raise AssertionError("two rows were taken where one is allowed")


def test_no_more_forms_are_remembered_than_sixty_four() -> None:
    forms = known(*(body("2026-11-21T08:00", [1], source=f"s{number}") for number in range(200)))
    first, last = ({"source": f"s{number}"} for number in (0, 199))
    again = [forms.read(body("2026-11-21T09:00", [2], **one), "identity", LIMITS) for one in (last, last)]
    assert again[0].keys is again[1].keys and len(forms._known) == 64
    assert by_form(forms, body("2026-11-21T09:00", [2], **first)) == plainly(
        body("2026-11-21T09:00", [2], **first)
    )
