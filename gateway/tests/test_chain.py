"""The chain: any change of any event is found, and so is any that is gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from gateway.rules import chain
from gateway.rules.edge import named
from gateway.rules.purposes import NoPurpose, case_of, purpose_of, said
from hypothesis import given
from hypothesis import strategies as st
from policy import Purpose

ID = str(UUID(int=9))
AT = datetime(2026, 11, 28, 8, tzinfo=UTC)


def events(texts: list[str]) -> list[chain.Event]:
    found, before = [], chain.BEGINNING
    for number, text in enumerate(texts, 1):
        fields = {"at": AT, "chain": UUID(ID), "number": number, "subject": text, "refs": [text]}
        before = chain.link(before, fields)
        found.append(chain.Event(ID, number, fields, before))
    return found


TEXTS = st.lists(st.text(max_size=5), min_size=1, max_size=8)


@given(TEXTS, st.data())
def test_any_change_of_any_event_is_found(texts, data) -> None:
    whole = events(texts)
    seal = chain.Seal("s", ID, len(whole), whole[-1].digest)
    assert list(chain.faults(whole, [seal])) == []
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = replace(whole[at], fields=dict(whole[at].fields) | {"subject": texts[at] + "!"})
    found = list(chain.faults([*whole[:at], changed, *whole[at + 1 :]], [seal]))
    assert chain.Fault("changed", ID, at + 1) in found
    gone = list(chain.faults(whole[:at] + whole[at + 1 :], [seal]))
    assert chain.Fault("missing", ID, at + 1) in gone


@given(TEXTS)
def test_a_chain_that_is_made_anew_contradicts_its_seal(texts) -> None:
    whole = events(texts)
    seal = chain.Seal("s", ID, len(whole), whole[-1].digest)
    forged = events([*texts[:-1], texts[-1] + "!"])
    assert [fault.kind for fault in chain.faults(forged, [seal])] == ["seal"]


def test_a_seal_whose_leaf_the_log_does_not_hold_is_found() -> None:
    whole = events(["a"])
    seal = chain.Seal("s", ID, 1, whole[0].digest, is_in_log=False)
    assert list(chain.faults(whole, [seal])) == [chain.Fault("leaf", ID, 1)]


def test_the_digest_is_the_same_from_a_row_and_from_its_json() -> None:
    row = {"id": 1, "at": AT, "request_id": UUID(int=3), "unit": None, "refs": ["a"], "digest": b"x"}
    china = AT.astimezone(timezone(timedelta(hours=8))).isoformat()
    told = {"id": 1, "at": china, "request_id": str(UUID(int=3)), "unit": None, "refs": ["a"], "digest": "78"}
    assert chain.canonical(chain.fields_of(row)) == chain.canonical(chain.fields_of(told))
    # A column that is added later changes nothing.
    later = chain.fields_of(row | {"new": None})
    assert chain.canonical(later) == chain.canonical(chain.fields_of(row))


@pytest.mark.parametrize(
    ("template", "path", "query", "refs"),
    [
        ("/devices/{mn}/bundle", "/devices/A1/bundle", "from=1&site=S", ("mn=A1", "site=S")),
        ("/leads", "/leads", "", ()),
        ("/sites/{code}", "/sites/%E7%AB%99", "", ("code=站",)),
        ("/leads", "/leads", "site=a%00b", ("site=a\ufffdb",)),
        ("/leads", "/leads", "&".join(f"site={n}" for n in range(99)), tuple(f"site={n}" for n in range(20))),
        ("/leads", "/leads", "&".join(f"x{n}=1" for n in range(200)), ()),
        ("/leads", "/leads", "site=" + "x" * 1000, ("site=" + "x" * 100,)),
    ],
)
def test_the_ids_of_a_request_are_named_and_bounded(template, path, query, refs) -> None:
    assert named(template, path, query).refs == refs


@given(st.text(), st.text())
def test_no_address_is_too_strange_to_be_noted(path, query) -> None:
    for ref in named("/{a}/{b}", path, query).refs:
        assert "\x00" not in ref
        ref.encode()


KNOWN = {"case": Purpose("案", "case", needs_case=True), "tax": Purpose("税", "tax")}


def test_a_purpose_is_one_of_the_policys_and_names_its_case() -> None:
    assert purpose_of(KNOWN, "tax", None) == "tax"
    assert purpose_of(KNOWN, "case", "7") == "case"
    for wrong, case in ((None, "7"), ("", "7"), ("x", None), ("case", None)):
        with pytest.raises(NoPurpose):
            purpose_of(KNOWN, wrong, case)


@pytest.mark.parametrize(
    ("text", "case"),
    [("7", "7"), ("%E5%86%80-7", "冀-7"), ("", None), (None, None), ("' OR 1=1", None), ("x" * 65, None)],
)
def test_a_case_is_a_number_or_nothing(text, case) -> None:
    assert case_of(text) == case


def test_purpose_and_case_may_stand_in_the_query() -> None:
    assert said("/api/x?purpose=case&case=7") == ("case", "7")
    assert said("/api/x?case=7") == (None, None)
    assert said("/api/x") == (None, None)
