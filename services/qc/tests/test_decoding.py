"""`ingest.recorded` is read as plain decoding reads it, however often its series were seen."""

import msgspec
import pytest
from contracts.ingest import Recorded
from hypothesis import given
from hypothesis import strategies as st
from qc.flows.decoding import recorded
from qc_scene import BEGIN, MINUTES, PM10, PM25, START
from qc_scene import recorded as made

ROWS = st.tuples(
    st.sampled_from([PM25, PM10, MINUTES]), st.integers(0, 10**12), st.none() | st.floats(-1e9, 1e9)
)


@given(st.lists(ROWS, max_size=12))
def test_what_is_read_is_what_was_said(rows):
    text = msgspec.json.encode(made(rows, 1, "ab" * 16, BEGIN))
    assert recorded(text) == recorded(text) == msgspec.json.decode(text, type=Recorded)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"id":1', b'"id":"one"'), (b'"series":', b'"serie":'), (b'"at":[0]', b'"at":[null]')]
)
def test_what_plain_decoding_refuses_is_refused(old, new):
    text = msgspec.json.encode(made([(PM25, START, 1.0)], 1, "ab" * 16, BEGIN))
    assert old in text
    recorded(text)
    with pytest.raises(ValueError, match=r"Expected|missing"):
        recorded(text.replace(old, new))
