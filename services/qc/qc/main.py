"""The service `qc`: judges every value. Wiring only."""

import sys
from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from kit.app import Parts, create_app, serve
from kit.settings import load
from standards.regions import CODES, is_within

from qc.api import router
from qc.consumers import CONSUMERS
from qc.flows.setting import out_of_force, state
from qc.jobs import all_jobs, utc_now
from qc.rules import source
from qc.rules.bundle.refusal import BadPack
from qc.settings import Settings


def build(settings: Settings, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application with its doors; `clock` tells its jobs the time. BadPack for rules it may not use."""
    source.choose(settings.rules(clock()))

    async def state_rules(app: FastAPI) -> None:
        state(clock())

    parts = Parts(
        name="qc",
        title="Jianzhen qc 质量控制",
        within=is_within,
        regions=CODES,
        routers=[router],
        consumers=CONSUMERS,
        jobs=all_jobs(clock, closes_days=settings.closes_days),
        before_bus=[state_rules],
        readiness={"rule_pack": lambda: out_of_force(clock())},
    )
    return create_app(settings, parts)


def main() -> None:
    settings = load(Settings)
    try:
        app = build(settings)
    except BadPack as refused:
        sys.stderr.write(f"rule pack refused 规则包被拒绝 ({refused.reason}):\n{refused}\n")
        raise SystemExit(2) from None
    serve(app, settings)


if __name__ == "__main__":
    main()
