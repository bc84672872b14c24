"""The rule pack: checked when read, its version its content, its figures dated."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from qc.rules.assess import assess, day_start_ms
from qc.rules.explain import Figure, shown, told
from qc.rules.frame import Columns, roster_of
from qc.rules.pack import load_pack, read_pack
from qc_scene import HOUR, PM25, ref

PACK = load_pack()
TEXT = msgspec.json.encode(PACK).decode()


def changed(**figures):
    """The pack as text with one rule's fields replaced: `changed(K1={"number": 3})`."""
    content = msgspec.json.decode(TEXT)
    for id, fields in figures.items():
        next(rule for rule in content["rules"] if rule["id"] == id).update(fields)
    return msgspec.json.encode(content).decode()


def test_the_version_is_the_content():
    assert read_pack(TEXT).version == PACK.version
    assert read_pack(changed(K1={"en": "another name"})).version != PACK.version


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"K1": {"severity": "terrible"}}, "severity"),
        ({"K1": {"number": 64}}, "number"),
        ({"K1": {"number": 7}}, "mix up"),
        ({"K1": {"surprise": 1}}, "surprise"),
        ({"K1": {"parameters": [{"set": {"min_run": 6}}]}}, "needs exactly"),
        ({"K1": {"masks": True}}, "mask"),
        ({"range": {"masks": False}}, "mask"),
        ({"K1X9": {"of": ["K1", "X7"]}}, "unknown rules"),
        ({"K1": {"valid_from": "soon"}}, "valid_from"),
        ({"K1": {"evidence": {"weight": 2, "measure": "longest", "threshold": 1, "strong": 2, "source": ""}}},
         "weight"),
    ],
)  # fmt: skip
def test_a_pack_that_is_wrong_is_refused_and_says_where(fields, says):
    with pytest.raises(ValueError, match=says):
        read_pack(changed(**fields))


def test_broken_yaml_is_refused():
    with pytest.raises(ValueError, match="rule pack"):
        read_pack("rules: [")


def test_every_rule_names_its_source_in_two_languages_and_its_texts_can_be_filled():
    for rule in PACK.rules:
        assert rule.source and rule.zh and rule.en
        for sentence in told(rule, PM25, Figure(1.0, 2.0, 3.0, 4.0)):
            assert sentence and "{" not in sentence


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [(8.7, 1, "8.7"), (0.2065, 1, "0.206"), (float("nan"), 1, "–"), (1234.5678, 0, "1235"), (6.0, 0, "6")],
)
def test_figures_are_shown_as_people_read_them(number, decimals, text):
    assert shown(number, decimals) == text


def test_a_value_is_judged_by_the_rules_of_its_own_day():
    """From 2030 ten equal hours are needed; before, six."""
    content = msgspec.json.decode(TEXT)
    k1 = next(rule for rule in content["rules"] if rule["id"] == "K1")
    later = msgspec.json.decode(msgspec.json.encode(k1))
    k1["valid_to"] = later["valid_from"] = "2030-01-01"
    later["parameters"][0]["set"]["min_run"] = 10
    content["rules"].append(later)
    pack = read_pack(msgspec.json.encode(content).decode())
    for day, fires in ((date(2029, 6, 1), True), (date(2030, 6, 1), False)):
        ts = day_start_ms(day) + np.arange(8) * HOUR
        zero = np.zeros(8, dtype=np.int64)
        verdict = assess(Columns(zero, ts, np.full(8, 42.0), zero, zero), roster_of([PM25], pack), pack)
        assert ((verdict.tests & pack.named("K1").bit) != 0).tolist() == [fires] * 8
    assert pack.named("K1", date(2029, 12, 31)).valid_to == date(2030, 1, 1)


def test_two_versions_in_force_on_one_day_are_refused():
    content = msgspec.json.decode(TEXT)
    content["rules"].append(next(rule for rule in content["rules"] if rule["id"] == "K1"))
    with pytest.raises(ValueError, match="same day"):
        read_pack(msgspec.json.encode(content).decode())


def test_a_legal_day_begins_at_midnight_in_beijing():
    assert day_start_ms(date(2026, 11, 21)) == 1_795_190_400_000
    assert day_start_ms(date(1988, 7, 1)) % int(timedelta(days=1).total_seconds() * 1000) == 16 * HOUR


@pytest.mark.parametrize(
    ("series", "code"),
    [
        (ref(1), 1),
        (ref(1, "w20012", site_kind="outlet", unit="mg/L"), 2),
        (ref(1, "w20012", site_kind="outlet", unit="mg/L", low=0.0, high=500.0), 1),
        (ref(1, "w20012", site_kind="outlet", unit="mg/L", low=0.0, high=30.0), 4),
    ],
)
def test_a_series_no_rule_knows_is_not_evaluated_and_its_registered_range_counts(series, code):
    zero = np.zeros(1, dtype=np.int64)
    columns = Columns(zero, np.array([1_795_190_400_000]), np.array([35.0]), zero, zero)
    assert assess(columns, roster_of([series], PACK), PACK).code.tolist() == [code]


def test_the_share_of_false_discoveries_is_dated_data_with_its_source():
    assert PACK.false_discoveries(date(2026, 11, 21)) == 0.05
    assert all(one.source for one in PACK.discoveries)
    later = PACK.discoveries[0]
    held = msgspec.structs.replace(later, valid_to=date(2027, 1, 1))
    after = msgspec.structs.replace(later, q=0.01, valid_from=date(2027, 1, 1))
    two = msgspec.structs.replace(PACK, discoveries=(held, after))
    assert [two.false_discoveries(date(year, 6, 1)) for year in (2026, 2027)] == [0.05, 0.01]
    with pytest.raises(LookupError, match="1999"):
        PACK.false_discoveries(date(1999, 1, 1))
    with pytest.raises(ValueError, match="discoveries"):
        read_pack(TEXT.replace('"q":0.05', '"q":5.0'))
