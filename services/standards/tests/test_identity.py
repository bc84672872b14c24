"""Check characters: verified true and false codes, and warnings that never reject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standards import identity

TRUE = [
    "9144030071526726XG",
    "91110108551385082Q",
    "91440300708461136T",
    "91310000132228728T",
    "91110000802100433B",
    "91512081MA62K0260E",
    "91130200699229617X",
]


@pytest.mark.parametrize("code", TRUE)
def test_registered_credit_codes_pass(code: str) -> None:
    check = identity.uscc(code)
    assert (check.ok, check.expected, check.warnings) == (True, code[-1], ())


def test_a_wrong_credit_code_is_warned_about_with_the_right_character() -> None:
    check = identity.uscc("91350100M000100Y4Z")
    assert (check.ok, check.expected) == (False, "3")
    assert [w.slug for w in check.warnings] == ["check-character"]
    assert [w.slug for w in identity.uscc("91350100I000100Y43").warnings] == ["shape"]
    assert identity.uscc("91350100M000100Y43").expected == "3"
    wrong = identity.uscc("91350100M000100Y44")
    assert (wrong.expected, wrong.warnings[0].slug) == ("3", "check-character")
    assert wrong.warnings[0].zh and wrong.warnings[0].en


def test_organisation_codes() -> None:
    for code in ("71526726X", "55138508-2"):
        assert identity.organisation_code(code).ok
    assert identity.organisation_code("715267261").expected == "X"
    assert identity.organisation_code("7152").warnings[0].slug == "shape"


def test_resident_numbers() -> None:
    for number in ("11010519491231002X", "440524188001010014"):
        assert identity.resident_id(number).ok
    assert identity.resident_id("110105194912310021").expected == "X"
    assert "date" in [w.slug for w in identity.resident_id("110105194913310021").warnings]
    assert identity.resident_id("1101").warnings[0].slug == "shape"
    assert identity.masked("11010519491231002X") == "110*************2X"
    assert identity.masked("123") == "***"


def test_pollution_sources_and_outlets() -> None:
    for code in ("91130200699229617X001P", "91130200699229617X002P"):
        assert identity.source_code(code).ok
    assert identity.source_code("91130200699229618X001P").warnings[0].slug in {"check-character"}
    assert identity.source_code("131000").warnings[0].slug == "shape"
    assert identity.outlet_code("DA001").parts == {"outlet": "DA001", "element": "gas"}
    whole = identity.outlet_code("91130200699229617X001P-DW002")
    assert (whole.ok, whole.parts["outlet"], whole.parts["uscc"]) == (True, "DW002", "91130200699229617X")
    assert identity.outlet_code("DX001").warnings[0].slug == "shape"
    assert not identity.outlet_code("91130200699229618X001PDW002").ok


def test_device_numbers_by_dialect() -> None:
    epc = identity.mn("010000A8900016F000169DC0", "2017")
    assert epc.ok
    assert epc.parts == {"header": "01", "manufacturer": "0000A89", "class": "00016F", "serial": "000169DC0"}
    assert identity.mn("0873HHMZWSLH02", "2005").ok
    assert identity.mn("0873HHMZWSLH02", "2017").warnings[0].slug == "dialect"
    assert identity.mn("010000A8900016F000169DC0", "2005").warnings[0].slug == "dialect"
    assert identity.mn("Z13401000010301").warnings[0].slug == "shape"


@given(st.sampled_from(TRUE), st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_one_wrong_character_is_always_noticed(code: str, place: int, character: str) -> None:
    changed = code[:place] + character + code[place + 1 :]
    assert identity.uscc(changed).ok == (changed == code)


@given(st.text(max_size=30))
def test_no_text_is_rejected_with_an_exception(text: str) -> None:
    for check in (identity.uscc, identity.organisation_code, identity.resident_id, identity.source_code):
        assert isinstance(check(text).ok, bool)
    assert isinstance(identity.mn(text).ok, bool)
    assert isinstance(identity.outlet_code(text).ok, bool)
