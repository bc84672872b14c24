"""Rows of a region lent by a cross-region grant, over HTTP and behind the reader's own lock."""

import time

from fastapi import FastAPI
from ingest_scene import batch, row
from policy import RegionGrant
from registry_scene import CLERK, Door

LENT = "ee.enf/case.officer@131100"


async def test_SLe_23_an_officer_lent_to_a_region_reads_its_submissions_and_only_what_was_granted(
    door: Door, app: FastAPI
) -> None:
    sent = await door.ask(CLERK, "POST", "/observations", json=batch(row()))
    assert sent.status_code in {200, 202}, sent.text
    who = door.tokens.bearer(LENT, sub="officer-of-131100")

    async def seen(path: str) -> list[str]:
        answer = await door.client.get(path, headers=who)
        assert answer.status_code == 200, answer.text
        return [one.get("submission") or one["code"] for one in answer.json()["items"]]

    def lend(*permissions: str, until: float) -> None:
        given = RegionGrant(
            "g-1", "officer-of-131100", ("131000",), frozenset(permissions), time.time() - 1, until
        )
        app.state.verifier.grants.replace([given])

    assert await seen("/submissions") == [] == await seen("/sites")
    lend("submissions:read", until=time.time() + 600)
    assert await seen("/submissions") == [sent.json()["submission"]]
    assert await seen("/sites") == [], "another right than the one granted"
    lend("submissions:read", until=time.time() - 0.5)
    assert await seen("/submissions") == []
