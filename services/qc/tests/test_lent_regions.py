"""Rows of a region lent by a cross-region grant, over HTTP and behind the reader's own lock."""

import time
from datetime import UTC, datetime

from policy import RegionGrant
from qc_scene import START, Lane, freeze

ANALYST, LENT = "ee.mon/qc.analyst@131000", "ee.mon/qc.analyst@131100"
DAY = datetime.fromtimestamp(START / 1000, UTC)
WINDOW = {"series": "1", "from": DAY.isoformat(), "to": DAY.replace(hour=10).isoformat()}


async def test_SLe_23_who_is_lent_to_a_region_reads_its_alarms_and_verdicts_until_the_end_and_settles_none(
    lane: Lane, app, client, tokens
):
    await lane.send(freeze())
    who = tokens.bearer(LENT, sub="officer-1")
    alarms = (await client.get("/alarms", headers=tokens.bearer(ANALYST))).json()["items"]

    def lend(*permissions: str, seconds: float = 600) -> None:
        now = time.time()
        given = RegionGrant("g", "officer-1", ("131000",), frozenset(permissions), now - 9, now + seconds)
        app.state.verifier.grants.replace([given])

    async def seen() -> list[int]:
        listed = await client.get("/alarms", headers=who)
        one = await client.get(f"/alarms/{alarms[0]['id']}", headers=who)
        values = await client.get("/verdicts", params=WINDOW, headers=who)
        return [len(listed.json()["items"]), one.status_code, values.status_code]

    nothing, everything = [0, 404, 403], [len(alarms), 200, 200]
    assert everything != await seen() == nothing
    lend("alarms:read", "verdicts:read")
    assert await seen() == everything
    # Only the right that was lent reaches there, and nobody else does.
    lend("alarms:read")
    assert await seen() == [len(alarms), 200, 403]
    other = await client.get("/alarms", headers=tokens.bearer(LENT, sub="officer-2"))
    assert other.json()["items"] == []
    # Even a list that names the right to settle lends no act.
    lend("alarms:read", "alarms:handle")
    path, note = f"/alarms/{alarms[0]['id']}/acknowledge", {"note": "已核查"}
    key = {"Idempotency-Key": "key-000001"}
    refused = await client.post(path, json=note, headers=who | key)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/out-of-scope")
    taken = await client.post(path, json=note, headers=tokens.bearer(ANALYST) | key)
    assert taken.status_code == 200, taken.text
    lend("alarms:read", "verdicts:read", seconds=-0.1)
    assert await seen() == nothing
