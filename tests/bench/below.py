"""What stands under the table of figures: the steps of the load, processor time, what was not measured."""

from collections.abc import Iterator

from rows import Both, Found


def below(found: Found) -> Both:
    """What stands under the table: the steps of the load, processor time, what was not measured."""
    return {
        lang: "\n".join([*_steps(found, lang), *_costs(found, lang), *_notes(lang)]) for lang in ("zh", "en")
    }


def _steps(found: Found, lang: str) -> Iterator[str]:
    if "steps" not in found:
        return
    yield {
        "zh": "| 提供/s | 发出/s | 判定/s | 积压增长/s | 告警 p50 ms | p99 ms | 未到 | 承受得住 |",
        "en": "| offered/s | sent/s | judged/s | lag grows/s | alarm p50 ms | p99 ms | unheard | sustained |",
    }[lang]
    yield "|" + "---|" * 8
    for step in [*found["steps"], found["rated"]]:
        cells = (step.wanted, step.sent, step.judged, step.lag_growth, step.p50_ms, step.p99_ms, step.unheard)
        yes = {"zh": "是", "en": "yes"}[lang] if step.is_sustained else {"zh": "否", "en": "no"}[lang]
        yield f"| {' | '.join(f'{cell:,.0f}' for cell in cells)} | {yes} |"
    yield ""


def _costs(found: Found, lang: str) -> Iterator[str]:
    named = {
        "cost": {
            "zh": "全程每 1,000 条监测值的处理器毫秒",
            "en": "Processor ms per 1,000 observations, whole path",
        },
        "http_cpu": {"zh": "HTTP 一行每 1,000 条的处理器毫秒", "en": "Processor ms per 1,000, HTTP row"},
        "hj212_cpu": {
            "zh": "HJ 212 一行每 1,000 帧的处理器毫秒（loggers 为客户端自身）",
            "en": "Processor ms per 1,000 frames, HJ 212 row (loggers: the client itself)",
        },
    }
    for key, title in named.items():
        if key in found:
            parts = ", ".join(f"{name} {ms:.2f}" for name, ms in found[key].items())
            yield f"{title[lang]}: {parts} = {sum(found[key].values()):.2f}\n"


def _notes(lang: str) -> Iterator[str]:
    yield {
        "zh": "FROST-Server 未测：所用的 Maven 仓库没有其 war（docs/adr/0018）。若 fsync 止于主机写缓存，"
        "依赖它的数字偏乐观；断电不可在此测试。",
        "en": "FROST-Server was not measured: the Maven repository at hand does not serve its war "
        "(docs/adr/0018). Where fsync ends in a host's write cache, figures bound by it are optimistic; "
        "power loss cannot be tested here.",
    }[lang] + "\n"
