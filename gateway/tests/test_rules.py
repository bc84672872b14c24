"""Forwarded addresses and the token bucket."""

import pytest
from gateway.rules.edge import Bucket, Limit, forwarded, sender, take
from hypothesis import given
from hypothesis import strategies as st

LIMIT = Limit("client", rate=2, burst=3)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/api/cases/leads/7?x=1", ("cases", "/leads/7")),
        ("/api/cases/", ("cases", "/")),
        ("/api/cases", None),
        ("/api//leads", None),
        ("/api/", None),
        ("/docs", None),
        ("", None),
        ("http://x/api/cases/leads", None),
        ("/API/cases/leads", None),
    ],
)
def test_a_forwarded_address_names_service_and_path(uri, expected) -> None:
    assert forwarded(uri) == expected


@pytest.mark.parametrize(
    ("forwarded_for", "expected"),
    [
        (None, "127.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("6.6.6.6, 10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("nonsense", "unknown"),
        ("", "127.0.0.1"),
    ],
)
def test_the_address_the_edge_wrote_last_is_counted(forwarded_for, expected) -> None:
    assert sender(forwarded_for, "127.0.0.1") == expected


def test_a_burst_passes_and_then_the_rate() -> None:
    bucket, at = None, 100.0
    for remaining in (2, 1, 0):
        bucket, taken = take(bucket, LIMIT, at)
        assert (taken.is_within, taken.remaining) == (True, remaining)
    bucket, taken = take(bucket, LIMIT, at)
    assert (taken.is_within, taken.retry_after) == (False, 0.5)
    bucket, taken = take(bucket, LIMIT, at + 0.5)
    assert taken.is_within
    _, taken = take(Bucket(0, at), LIMIT, at + 3600)
    assert taken.remaining == 2


@given(st.lists(st.floats(0, 5), max_size=60))
def test_no_more_than_burst_plus_rate_times_time_ever_passes(gaps) -> None:
    bucket, at, passed = None, 0.0, 0
    for gap in gaps:
        at += gap
        bucket, taken = take(bucket, LIMIT, at)
        passed += taken.is_within
    assert passed <= LIMIT.burst + LIMIT.rate * at + 1e-6
