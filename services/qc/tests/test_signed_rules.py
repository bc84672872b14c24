"""The service under a signed pack: it says which, judges by it, and as a desk does with the same file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from contracts.ingest import Recorded
from kit.problems import NotReady
from pack_scene import BEGIN, ISSUER, KEY, STRANGER, STRICTER, data, files, pack
from qc import consumers, main
from qc.consumers import on_recorded
from qc.flows.setting import stated
from qc.main import build
from qc.rules import source
from qc.rules.bundle import signed
from qc.rules.bundle.refusal import BadPack
from qc.rules.offline.judge import judge
from qc.rules.offline.profile import load_profile
from qc.rules.offline.readings import Member, Readings
from qc.rules.source import packaged
from qc.settings import Settings
from qc_scene import HOUR, PACK, PM25, START

VALUES = [35.0, 36.0, 42.0, 42.0, 42.0, 42.0, 37.0, 600.0, 38.0, None, 1200.0, 40.0]
NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def rules(tmp_path: Path):
    """A pack that differs from the packaged rules; afterwards the process reads its own again."""
    path = tmp_path / "rules.zip"
    path.write_bytes(data(files(STRICTER)))
    yield path
    source.choose(packaged())


def settings(lane, tokens, **more) -> Settings:
    return Settings.model_validate(
        {
            **tokens.settings, "port": 1, "writer_url": lane.database.writer_url, "log_level": "ERROR",
            "reader_url": lane.database.reader_url, "nats_url": "", "nats_user": "", "nats_seed": "",
            **more,
        }
    )  # fmt: skip


async def judged(lane) -> list[tuple[int, int]]:
    """What the service's own door for events makes of the values."""
    event = Recorded(
        submissions=["s1"], traces=["ab" * 16], modes=["live"], received_at_ms=START, series=[PM25],
        at=[0] * len(VALUES), by=[0] * len(VALUES), ts_ms=[START + n * HOUR for n in range(len(VALUES))],
        value=VALUES, decimals=[0] * len(VALUES), flag=["N"] * len(VALUES),
    )  # fmt: skip
    async with lane.database.writer() as session:
        await on_recorded(session, event, lane.meta())
    return list((await lane.codes(PM25)).values())


def at_the_desk() -> list[tuple[int, int]]:
    """What `jianzhen qc run` makes of the same values by the rules the process reads."""
    count, profile = len(VALUES), load_profile("ambient-air")
    readings = Readings(
        np.zeros(count, dtype=np.int64), START + np.arange(count) * HOUR,
        np.array([np.nan if value is None else value for value in VALUES]),
        np.full(count, ord("N")), np.zeros(count, dtype=np.int64),
    )  # fmt: skip
    member = Member(PM25.site, "PM2.5", "a34004", True, "ug/m3")
    found = judge(readings, (member,), profile, frozenset(), lambda *told: None)
    return list(zip(found.code.tolist(), found.tests.tolist(), strict=True))


async def test_one_pack_gives_the_same_verdicts_in_the_service_and_at_the_desk(lane, tokens, rules):
    build(settings(lane, tokens, pack=rules, pack_keys=KEY.text), lambda: NOW)
    in_service = await judged(lane)
    source.choose(packaged())
    by_packaged = at_the_desk()
    with source.reading(signed.opened(rules.read_bytes(), [KEY], BEGIN)):
        assert at_the_desk() == in_service
    k1 = PACK.named("K1").bit
    assert [bool(tests & k1) for _, tests in in_service] == [2 <= n <= 5 for n in range(len(VALUES))]
    assert not any(tests & k1 for _, tests in by_packaged)


async def test_the_service_says_which_pack_it_judges_with(
    lane, tokens, rules, client_for, fresh_streams, capsys
):
    of = settings(
        lane, tokens, pack=rules, pack_keys=f"{STRANGER.text}\n{KEY.text}", nats_url=fresh_streams.url,
        log_level="INFO",
    )  # fmt: skip
    async with client_for(build(of, lambda: NOW)) as client:
        shown = (await client.get("/rule-pack")).json()
    told = shown["pack"]
    assert (told["version"], told["issuer"], told["signers"]) == ("2026.11.1", ISSUER, [ISSUER])
    assert told["sha256"] == signed.read(rules.read_bytes()).sha256 != packaged().sha256
    assert (told["valid_from"], told["valid_to"], told["rules"]) == (
        "2026-11-01",
        "2027-01-01",
        shown["version"],
    )
    assert shown["version"] != PACK.version
    (line,) = [line for line in capsys.readouterr().err.splitlines() if '"judging_with"' in line]
    said = json.loads(line)
    assert (said["version"], said["sha256"], said["signers"]) == (told["version"], told["sha256"], [ISSUER])


async def test_without_a_pack_it_says_that_its_rules_are_its_own(client):
    told = (await client.get("/rule-pack")).json()["pack"]
    assert (told["version"], told["signers"], told["in_force"]) == ("built-in", [], True)
    assert told["sha256"] == packaged().sha256


@pytest.mark.parametrize(
    ("content", "more", "reason"),
    [
        (pack().data, {}, "unsigned"),
        (data()[:-1], {}, "not-a-pack"),
        (data(), {"pack_keys": STRANGER.text}, "unknown-key"),
        (data(), {"pack_at_least": "2026.12"}, "older"),
        (b"", {"pack": Path("/nowhere/rules.zip")}, "unreadable"),
    ],
)
async def test_the_service_does_not_start_with_a_pack_it_may_not_use(
    lane, tokens, tmp_path, monkeypatch, capsys, content, more, reason
):
    path = tmp_path / "rules.zip"
    path.write_bytes(content)
    of = settings(lane, tokens, **({"pack": path, "pack_keys": KEY.text} | more))
    with pytest.raises(BadPack) as refused:
        build(of, lambda: NOW)
    assert refused.value.reason == reason
    monkeypatch.setattr(main, "load", lambda cls: of)
    with pytest.raises(SystemExit) as ended:
        main.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2 and reason in told and refused.value.zh.split("：")[0] in told
    assert stated(NOW)["version"] == "built-in"


async def test_an_expired_pack_does_not_start_a_service(lane, tokens, rules):
    with pytest.raises(BadPack) as refused:
        build(
            settings(lane, tokens, pack=rules, pack_keys=KEY.text), lambda: datetime(2027, 1, 1, tzinfo=UTC)
        )
    assert refused.value.reason == "expired"


async def test_a_running_service_stops_judging_when_its_pack_is_over_and_says_why(
    lane, tokens, rules, client_for, fresh_streams, monkeypatch
):
    now = [NOW]
    of = settings(lane, tokens, pack=rules, pack_keys=KEY.text, nats_url=fresh_streams.url)
    async with client_for(build(of, lambda: now[0])) as client:
        ready = (await client.get("/readyz")).json()
        assert ready["checks"]["rule_pack"] is True and "reasons" not in ready
        assert len(await judged(lane)) == len(VALUES)
        # 2027-01-01 in +08:00 is the first day on which the pack holds no more.
        now[0] = datetime(2026, 12, 31, 16, tzinfo=UTC)
        refused = await client.get("/readyz")
        assert (refused.status_code, refused.json()["checks"]["rule_pack"]) == (503, False)
        why = refused.json()["reasons"]["rule_pack"]
        assert "2026.11.1" in why and "2027-01-01" in why and "停止判定" in why and "nothing is judged" in why
        monkeypatch.setattr(consumers, "datetime", Frozen(now[0]))
        with pytest.raises(NotReady) as stopped:
            await judged(lane)
        assert stopped.value.slug == "rule-pack-out-of-force"
        assert (await client.get("/rule-pack")).status_code == 200


class Frozen:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self, zone: object) -> datetime:
        return self.at


@pytest.mark.parametrize(
    "more", [{"pack": "/rules.zip"}, {"pack_keys": KEY.text}, {"pack": "/r", "pack_keys": "x"}]
)
async def test_a_pack_without_keys_is_no_configuration(lane, tokens, more):
    with pytest.raises(ValueError, match="QC_PACK"):
        settings(lane, tokens, **more)
