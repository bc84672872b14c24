"""From what was measured to the rows of the table: here stand the targets, once, and what is beside them.

Promises: a row appears only when its stage ran; a ratio is always to something of the same run. Leaves the
measuring to the stages and the layout to `report`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import door_rows
from load import CONNECTIONS
from report import Row, Target

Found = dict[str, Any]
Both = dict[str, str]


def rows(found: Found) -> list[Row]:
    """All rows whose stage ran, in the order of the way of a reading."""
    makers: dict[str, Callable[[Found], Iterator[Row]]] = {
        "copy_8": _limits,
        "http": _http,
        "edge": _edge,
        "door": door_rows.rows,
        "hj212": _hj212,
        "idle": _idle,
        "stream": _stream,
        "rated": _whole,
        "leaves": _leaves,
        "log": _cores,
        "rules": _rules,
        "profiles": _profiles,
        "network": _network,
        "peers": _peers,
    }
    return [row for key, make in makers.items() if key in found for row in make(found)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _least(zh: str, en: str, wanted: float, got: float) -> Target:
    return Target(zh, en, wanted, got)


def _most(zh: str, en: str, wanted: float, got: float) -> Target:
    return Target(zh, en, wanted, got, is_floor=False)


def _ratio(wanted: float, got: float, of: str = "COPY×8") -> Target:
    return _least(f"≥ {of} 的 {wanted:.0%}", f"≥ {wanted:.0%} of {of}", wanted, got)


def _limits(found: Found) -> Iterator[Row]:
    limit = _mean(found["copy_8"])
    before, after = found["copy_8"]
    yield Row(
        "COPY，1 个连接，同样的行，同样的表，每事务 1,000 行",
        "COPY, 1 connection, the same rows, the same table, 1,000 a transaction",
        f"{found['copy_1']:,.0f} rows/s",
        ratio=found["copy_1"] / limit,
    )
    yield Row(
        "COPY，8 个连接（极限；之前与之后的平均）",
        "COPY, 8 connections (the limit; mean of before and after)",
        f"{limit:,.0f} rows/s",
        (f"之前 {before:,.0f}，之后 {after:,.0f}", f"before {before:,.0f}, after {after:,.0f}"),
        1.0,
    )
    yield Row(
        "JetStream 发布，1 KB，256 条在途",
        "JetStream publish, 1 KB, 256 in flight",
        f"{found['jetstream']:,.0f} messages/s",
    )


def _delays(one: dict[str, float]) -> str:
    return f"p50 {one['p50_ms']:.0f} ms, p99 {one['p99_ms']:.0f} ms"


def _http(found: Found) -> Iterator[Row]:
    one, limit = found["http"], _mean(found["copy_8"])
    top = found["ceiling"]["rate"]
    yield Row(
        f"HTTP 列式，每批 1,000，{CONNECTIONS} 个连接，直连并验证令牌，提交后应答",
        f"HTTP columns, batches of 1,000, {CONNECTIONS} connections, direct, token verified, "
        "committed + acknowledged",
        f"{one['rate']:,.0f} observations/s, {_delays(one)}",
        (
            f"COPY×8 {limit:,.0f}；客户端自身上限 {top:,.0f}，用 {one['used']:.0%} 核",
            f"COPY×8 {limit:,.0f}; the client's own ceiling {top:,.0f}, it used {one['used']:.0%} of a core",
        ),
        one["rate"] / limit,
        (
            _least("≥ 120,000/s", "≥ 120,000/s", 120_000, one["rate"]),
            _ratio(0.5, one["rate"] / limit),
        ),
        in_readme=True,
    )


def _edge(found: Found) -> Iterator[Row]:
    one, limit = found["edge"], _mean(found["edge_copy_8"])
    yield Row(
        "同上，经边缘（Caddy 与授权器）",
        "the same through the edge (Caddy and the authorizer)",
        f"{one['rate']:,.0f} observations/s, {_delays(one)}",
        f"COPY×8 {limit:,.0f}",
        one["rate"] / limit,
        (_ratio(0.4, one["rate"] / limit),),
        in_readme=True,
    )


def _hj212(found: Found) -> Iterator[Row]:
    one, limit, top = found["hj212"], found["copy_frames"], found["hj212_ceiling"]["rate"]
    dry = f"; {one['ran_dry']:.0f} loggers ran out of frames" if one["ran_dry"] else ""
    yield Row(
        "HJ 212 帧，12 个因子，1,000 个连接，提交后应答 9014",
        "HJ 212 frames of 12 factors, 1,000 connections, committed + 9014",
        f"{one['rate']:,.0f} frames/s, {_delays(one)}{dry}",
        (
            f"同样的提交记录与监测值 COPY×8 {limit:,.0f} 帧/s；"
            f"客户端自身上限 {top:,.0f}，用 {one['used']:.0%} 核",
            f"COPY×8 of the same submission and observation rows {limit:,.0f} frames/s; "
            f"the client's own ceiling {top:,.0f}, it used {one['used']:.0%} of a core",
        ),
        one["rate"] / limit,
        (
            _least("≥ 10,000 帧/s", "≥ 10,000 frames/s", 10_000, one["rate"]),
            _most("p99 ≤ 250 ms", "p99 ≤ 250 ms", 250, one["p99_ms"]),
            _ratio(0.5, one["rate"] / limit),
        ),
        in_readme=True,
    )


def _idle(found: Found) -> Iterator[Row]:
    one = found["idle"]
    growth = one["with_mb"] - one["before_mb"]
    yield Row(
        "空闲数采仪连接",
        "idle loggers, connected",
        f"{one['connections']:,.0f} connections, {one['with_mb']:.0f} MB (+{growth:.0f} MB)",
        (f"连接前 {one['before_mb']:.0f} MB", f"without them {one['before_mb']:.0f} MB"),
        targets=(
            _least("10,000 个连接", "10,000 connections", 10_000, one["connections"]),
            _most("≤ 600 MB", "≤ 600 MB", 600, one["with_mb"]),
        ),
        in_readme=True,
    )


def _leaves(found: Found) -> Iterator[Row]:
    one = found["leaves"]
    yield Row(
        "存证日志，运行中：发件箱、总线、数据库、瓦片、签名的检查点；证明经 HTTP",
        "evidence log, running: outbox, bus, database, tiles, signed checkpoint; proofs by HTTP",
        f"{one['rate']:,.0f} leaves/s; p50 {one['behind_p50_ms']:,.0f} ms, "
        f"max {one['behind_most_ms']:,.0f} ms; {one['proof_p50_ms']:.1f} ms, {one['proof_p99_ms']:.1f} ms",
        (
            f"提供 {one['offered']:,.0f} 叶/s；依次为：速率；检查点落后；证明 p50、p99",
            f"offered {one['offered']:,.0f} leaves/s; in turn: rate; checkpoint behind; proof p50, p99",
        ),
        one["rate"] / one["offered"],
        (
            _least("≥ 10,000 叶/s", "≥ 10,000 leaves/s", 10_000, one["rate"]),
            _most("落后 ≤ 1,000 ms", "behind ≤ 1,000 ms", 1000, one["behind_most_ms"]),
            _most("证明 p99 ≤ 5 ms", "proof p99 ≤ 5 ms", 5, one["proof_p99_ms"]),
        ),
        in_readme=True,
    )


def _stream(found: Found) -> Iterator[Row]:
    one, paced = found["stream"]["drained"], found["stream"]["paced"]
    own, store = one["cpu"].get("qc", 0.0), one["cpu"].get("postgres/qc", 0.0)
    rated = found["stream"]["rated"]
    yield Row(
        "质控流式第一级，单独运行：自总线上的 `ingest.recorded` 至 `qc.assessed`，结论全部存库并发布",
        "quality control, streaming tier 1, alone: from `ingest.recorded` on the bus to `qc.assessed` there, "
        "every verdict stored and said",
        f"{1e6 / (own + store):,.0f} values/s per core (qc and its PostgreSQL); {one['rate']:,.0f} values/s "
        f"by the clock; at {rated:,.0f}/s p50 {paced['p50_ms']:.0f} ms, p99 {paced['p99_ms']:.0f} ms",
        (
            f"每 1,000 条的处理器毫秒：qc {own:.1f}（每核 {1e6 / own:,.0f}/s），PostgreSQL {store:.1f}"
            f"（每核 {1e6 / store:,.0f}/s）；每个事件 {found['stream']['event_values']:.0f} 条",
            f"processor ms per 1,000: qc {own:.1f} ({1e6 / own:,.0f}/s per core), PostgreSQL {store:.1f} "
            f"({1e6 / store:,.0f}/s per core); {found['stream']['event_values']:.0f} values an event",
        ),
        targets=(
            _least("每核 ≥ 100,000/s", "≥ 100,000/s per core", 100_000, 1e6 / (own + store)),
            _most("p99 ≤ 300 ms", "p99 ≤ 300 ms", 300, paced["p99_ms"]),
        ),
        in_readme=True,
        raw=found["stream"],
    )


def _whole(found: Found) -> Iterator[Row]:
    steps, one = found["steps"], found["rated"]
    good = [step for step in steps if step.is_sustained]
    knee = max((step.judged for step in good), default=0.0)
    yield Row(
        "全程（接收 + 中继 + 质控 + 结论）：持续承受的最大一级（拐点）",
        "whole path (ingest + relay + qc + verdicts): the highest step sustained (the knee)",
        f"{knee:,.0f} observations/s",
        ("见下表", "see the steps below"),
        targets=(_least("≥ 25,000/s", "≥ 25,000/s", 25_000, knee),),
        in_readme=True,
    )
    yield Row(
        f"额定负载 {one.wanted:,.0f} 时的告警时延（自发送至总线上的告警）",
        f"alarm delay at the rated load of {one.wanted:,.0f}/s (from sending to the alarm on the bus)",
        f"p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms ({one.alarms} alarms, {one.unheard} late)",
        targets=(_most("p99 ≤ 1,000 ms", "p99 ≤ 1,000 ms", 1000, one.p99_ms),),
        in_readme=True,
    )


def _cores(found: Found) -> Iterator[Row]:
    parsing, log = found["parsing"], found["log"]
    yield Row(
        "HJ 212 解析，每核（12 个因子，校验 CRC）",
        "HJ 212 parsing, per core (12 factors, CRC checked)",
        f"{parsing['parse']:,.0f} frames/s",
        (
            f"只算 CRC {found['crc']:,.0f}/s；连同取值 {parsing['parse_and_read']:,.0f}/s",
            f"CRC alone {found['crc']:,.0f}/s; read into values too {parsing['parse_and_read']:,.0f}/s",
        ),
        targets=(_least("≥ 30,000 帧/s", "≥ 30,000 frames/s", 30_000, parsing["parse"]),),
        in_readme=True,
    )
    yield Row(
        "存证日志：哈希、追加、写瓦片（每核，只算库）",
        "evidence log: hash, append, write tiles (per core, the library alone)",
        f"{log['leaves']:,.0f} leaves/s",
        (f"SHA-256 {found['hash']:,.0f} MB/s",) * 2,
        targets=(_least("≥ 10,000 叶/s", "≥ 10,000 leaves/s", 10_000, log["leaves"]),),
        in_readme=True,
    )
    yield Row(
        "包含证明，取自磁盘上的瓦片",
        "inclusion proof, from tiles on disk",
        f"p50 {log['p50_ms']:.2f} ms, p99 {log['p99_ms']:.2f} ms",
        targets=(_most("p99 ≤ 5 ms", "p99 ≤ 5 ms", 5, log["p99_ms"]),),
    )


WORK = {
    "bulk_1": ("批量 1,000，1 个连接", "bulk of 1,000, 1 connection", "observations/s"),
    "bulk_8": ("批量 1,000，8 个连接", "bulk of 1,000, 8 connections", "observations/s"),
    "single": ("单条，1 个连接", "one observation a request, 1 connection", "observations/s"),
    "latest": ("最近 100 条", "the latest 100", "ms"),
    "range": ("一小时范围", "a range of one hour", "ms"),
}


def _rules(found: Found) -> Iterator[Row]:
    one, others = found["rules"]["Jianzhen"], {n: o for n, o in found["rules"].items() if n != "Jianzhen"}
    wanted = {"SaQC": 4.0, "ioos_qc": 4.0, "tsod": 1.0}
    yield Row(
        "质控：量程 + 突变 + 恒值，1,000,000 个值，各检验的依据逐值可查",
        "quality control: range + spike + constant value, 1,000,000 values, with what each test said of each",
        f"{one['rate'] / 1e6:.1f} M values/s, {_sharpness(one)}",
        "; ".join(
            f"{name} {other['version']}: {other['rate'] / 1e6:.2f} M/s, {_sharpness(other)}"
            for name, other in others.items()
        ),
        targets=(
            _least("≥ 1000 万/处理器秒", "≥ 10 M per processor second", 10e6, one["per_core"]),
            *(
                _least(
                    f"≥ {times:g} × {name}",
                    f"≥ {times:g} × {name}",
                    times,
                    one["per_core"] / others[name]["per_core"],
                )
                for name, times in wanted.items()
            ),
            _least(
                "召回率不低于各同类",
                "recall of no peer higher",
                max(_recall(other) for other in others.values()),
                _recall(one),
            ),
            _least("精确率 1.00", "precision 1.00", 1.0, one["precision"]),
        ),
        in_readme=True,
    )


def _profiles(found: Found) -> Iterator[Row]:
    for name, one in found["profiles"].items():
        rules, values = f"{one['plausibility_per_core'] / 1e6:.2f}", f"{one['values']:,}"
        yield Row(
            f"质控：{name}，全部有效性与合理性规则，{values} 个小时值和分钟值",
            f"quality control: {name}, all rules of validity and plausibility, {values} hours and minutes",
            f"{one['per_core'] / 1e6:.2f} M per processor second (best {one['best_per_core'] / 1e6:.2f} M)",
            (
                f"仅 {one['rules']} 条逐值规则 {rules} M/处理器秒；"
                f"判定 {one['periods']:,} 个时、日、月、季、年",
                f"the {one['rules']} rules of values alone {rules} M per processor second; "
                f"{one['periods']:,} hours, days, months, quarters and years judged",
            ),
            targets=(_least("≥ 100 万/处理器秒", "≥ 1 M per processor second", 1e6, one["per_core"]),),
            in_readme=True,
        )


def _network(found: Found) -> Iterator[Row]:
    one = found["network"]
    size, heaviest = f"{one['series_years']:,.0f}", list(one["tests_ms"].items())[:3]
    shares = ", ".join(f"{name} {ms:.1f} ms" for name, ms in heaviest)
    yield Row(
        f"质控：{size} 序列·年的小时值，全部规则与造假检验；按序列·年外推到 1,000 站 × 6 因子 × 10 年",
        f"quality control: {size} series-years of hours, every rule and falsification test; "
        "extrapolated by series-years to 1,000 stations × 6 factors × 10 years",
        f"{one['ms_per_series_year']:.1f} CPU ms a series-year; {one['whole_minutes']:.1f} min on "
        f"{one['cores']} cores by extrapolation; peak RSS {one['rss_mb']:,.0f} MB",
        (
            f"规则 {one['rules_ms']:.1f} ms；最重的检验 {shares}；不含造数据的时间",
            f"rules {one['rules_ms']:.1f} ms, the heaviest tests {shares}; making the data is not counted",
        ),
        targets=(
            _most("≤ 10 分钟（外推）", "≤ 10 min (extrapolated)", 10.0, one["whole_minutes"]),
            _most("RSS ≤ 4 GB", "RSS ≤ 4 GB", 4096.0, one["rss_mb"]),
        ),
        in_readme=True,
    )


def _recall(one: dict[str, float]) -> float:
    """Of the kind of fault that is found worst."""
    return min(one[name] for name in ("range", "spike", "flat"))


def _sharpness(one: dict[str, float]) -> str:
    core = f"{one['per_core'] / 1e6:.2f} M per processor second (best {one['best_per_core'] / 1e6:.2f} M)"
    return f"{core}, recall ≥ {_recall(one):.3f}, precision {one['precision']:.3f}"


def _peers(found: Found) -> Iterator[Row]:
    ours, theirs, version = (found["peers"][key] for key in ("ours", "theirs", "version"))
    for key, (zh, en, unit) in WORK.items():
        own, other = ours[key], theirs[key]
        is_wrong = math.isnan(other)
        times = None if is_wrong else other / own if unit == "ms" else own / other
        yield Row(
            f"与 django-ogc-sensorthings 同样的行：{zh}",
            f"the same rows as django-ogc-sensorthings: {en}",
            f"{own:,.1f} {unit}",
            f"django-ogc-sensorthings {version}: {'HTTP 500' if is_wrong else f'{other:,.1f} {unit}'}",
            times,
            () if times is None else (_least("快于同类", "faster than the peer", 1, times),),
            in_readme=key in ("bulk_8", "single"),
        )
