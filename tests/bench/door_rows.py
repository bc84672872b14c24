"""The rows of the door: what the edge and the authorizer cost whoever passes them, with their targets."""

from collections.abc import Iterator, Sequence
from typing import Any

from report import Row, Target

Found = dict[str, Any]


def rows(found: Found) -> Iterator[Row]:
    door = found["door"]
    yield _small(door["small"])
    yield _tokens(door["tokens"])
    yield _keys(door["keys"])
    yield _large(door["large"])


def _mean(runs: Sequence[Found], name: str) -> float:
    return sum(one[name] for one in runs) / len(runs)


def _all_answered(run: Found) -> Target:
    share = run["done"] / (run["done"] + run["failed"])
    return Target("全部应答 200", "all answered 200", 1.0, share)


def _small(small: Found) -> Row:
    edge, direct = small["edge"], small["direct"]
    rate, beside = _mean(edge["full"], "rate"), _mean(direct["full"], "rate")
    alone, lone = _mean(direct["lone"], "p50_ms"), _mean(edge["lone"], "p50_ms")
    spent = edge["full"][-1]["cpu"]
    cost = ", ".join(f"{name} {value:,.0f}" for name, value in sorted(spent.items()) if value >= 0.5)
    return Row(
        "有权限的小查询（一个点位）经边缘，16 个连接",
        "authorised small GET (one site) through the edge, 16 connections",
        f"{rate:,.0f} requests/s, p50 {_mean(edge['full'], 'p50_ms'):.1f} ms, "
        f"p99 {_mean(edge['full'], 'p99_ms'):.1f} ms",
        (
            f"直连服务 {beside:,.0f}/s；单个连接 p50：经边缘 {lone:.2f} ms，直连 {alone:.2f} ms；"
            f"每千次请求的 CPU 毫秒：{cost}",
            f"the service itself {beside:,.0f}/s; one connection p50: edge {lone:.2f} ms, "
            f"direct {alone:.2f} ms; "
            f"processor ms per 1,000 requests: {cost}",
        ),
        rate / beside,
        (
            Target("≥ 2,000 次/s", "≥ 2,000 requests/s", 2_000, rate),
            Target("中位数增加 ≤ 2 ms", "≤ 2 ms added at the median", 2.0, lone - alone, is_floor=False),
        ),
        in_readme=True,
    )


def _tokens(tokens: Found) -> Row:
    return Row(
        f"同上，{tokens['tokens']:,} 个不同的令牌轮流",
        f"the same with {tokens['tokens']:,} distinct tokens in turn",
        f"{tokens['rate']:,.0f} requests/s, p50 {tokens['p50_ms']:.1f} ms, p99 {tokens['p99_ms']:.1f} ms",
        f"{tokens['failed']} refused",
        None,
        (_all_answered(tokens),),
        in_readme=True,
    )


def _keys(keys: Found) -> Row:
    return Row(
        f"同上，签名密钥更换 {keys['rotations']} 次，新令牌立即使用",
        f"the same while the issuer's key is renewed {keys['rotations']} times, new tokens shown at once",
        f"{keys['rate']:,.0f} requests/s, p99 {keys['p99_ms']:.1f} ms",
        f"{keys['done']:,} valid requests, {keys['failed']} refused",
        None,
        (_all_answered(keys),),
        in_readme=True,
    )


def _large(large: Found) -> Row:
    each = large["bytes"] / 1e6
    edge, direct = (sum(one["batches"] for one in large[name]) for name in ("edge", "direct"))
    seconds = {
        name: sum(one["batches"] / (one["rate"] / 1_000) for one in large[name])
        for name in ("edge", "direct")
    }
    through, beside = edge * each / seconds["edge"], direct * each / seconds["direct"]
    return Row(
        "1 MB 的上报（18,000 个值）经边缘，8 个连接",
        "POST of 1 MB (18,000 values) through the edge, 8 connections",
        f"{through:,.1f} MB/s, p50 {_mean(large['edge'], 'p50_ms'):,.0f} ms",
        f"direct {beside:,.1f} MB/s, p50 {_mean(large['direct'], 'p50_ms'):,.0f} ms",
        through / beside,
        (Target("≥ 直连的 50%", "≥ 50% of direct", 0.5, through / beside),),
        in_readme=True,
    )
