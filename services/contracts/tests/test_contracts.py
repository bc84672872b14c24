"""What was promised to other departments' systems does not change unnoticed."""

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contracts.catalogue import CATALOGUE, Entry
from contracts.compatibility import breaking_changes
from contracts.envelope import lane_of, subject
from contracts.ingest import Recorded

FROZEN = Path(__file__).resolve().parents[1] / "frozen"
ids = [entry.type for entry in CATALOGUE]


def frozen(entry: Entry) -> dict[str, Any]:
    return json.loads((FROZEN / f"{entry.type}.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", CATALOGUE, ids=ids)
def test_the_schema_breaks_nothing_that_was_frozen(entry: Entry) -> None:
    assert list(breaking_changes(frozen(entry), msgspec.json.schema(entry.event))) == []


@pytest.mark.parametrize("entry", CATALOGUE, ids=ids)
def test_an_additive_change_is_a_visible_diff(entry: Entry) -> None:
    assert frozen(entry) == json.loads(json.dumps(msgspec.json.schema(entry.event))), "run `make docs`"


@pytest.mark.parametrize("entry", CATALOGUE, ids=ids)
def test_every_stored_example_still_parses(entry: Entry) -> None:
    text = (FROZEN / f"{entry.type}.example.json").read_bytes()
    event = msgspec.json.decode(text, type=entry.event)
    assert json.loads(msgspec.json.encode(event)).keys() >= json.loads(text).keys()


@pytest.mark.parametrize("entry", CATALOGUE, ids=ids)
def test_an_unknown_field_is_ignored(entry: Entry) -> None:
    stored = json.loads((FROZEN / f"{entry.type}.example.json").read_text(encoding="utf-8"))
    msgspec.json.decode(json.dumps(stored | {"new_field": 1}), type=entry.event)


@pytest.mark.parametrize("change", ["removed", "retyped", "newly required"])
def test_a_breaking_change_is_found(change: str) -> None:
    old = msgspec.json.schema(Recorded)
    new = copy.deepcopy(old)
    target = new["$defs"]["Recorded"]
    if change == "removed":
        del target["properties"]["value"]
    elif change == "retyped":
        target["properties"]["ts_ms"] = {"type": "string"}
    else:
        target["properties"]["extra"] = {"type": "string"}
        target["required"].append("extra")
    assert [message.split(" ", 1)[1] for message in breaking_changes(old, new)] == [change]


def test_no_frozen_file_is_left_without_its_event() -> None:
    names = {path.name.rsplit(".", 2)[0] for path in FROZEN.iterdir()}
    assert names == set(ids)


def test_lanes_are_stable_and_named() -> None:
    assert lane_of(Recorded, "131000-A01") == lane_of(Recorded, "131000-A01")
    assert {lane_of(Recorded, f"site-{n}") for n in range(500)} == {f"{n:02d}" for n in range(16)}
    assert subject(Recorded, "07") == "ingest.recorded.v1.07"
