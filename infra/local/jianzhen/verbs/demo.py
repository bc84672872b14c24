"""`jianzhen demo`: a small city, some of whose units cheat."""

from typing import Annotated

import typer

from jianzhen.platform import Platform
from jianzhen.screen import AsJson, put, say


def demo(
    speed: Annotated[float, typer.Option(min=0, help="model hours a second; 0 = at once · 演示速度")] = 0,
    frauds: Annotated[int, typer.Option(min=1, help="how many units cheat · 造假单位数")] = 1,
    live: Annotated[bool, typer.Option(help="go on sending until stopped · 持续实时发送")] = False,
    as_json: AsJson = False,
) -> None:
    """Let one reading travel the whole way, on the running platform. 演示一条数据的全程。

    Loggers and a department system send; falsified data is found; officers carry the case to its end; credit
    lists the unit; the figure is published without the falsified values. Ends with where to look.

    \b
    Examples:
      jianzhen demo
      jianzhen demo --speed 4        slowly enough to watch
      jianzhen demo --live           what `jianzhen up` leaves running in the background
    """
    if live:
        from jianzhen.demo.live import run_live
        from jianzhen.demo.memory import Memory

        run_live(Platform.here(), Memory.here(), say)
    from jianzhen.demo.run import run_demo  # its data tables are wanted by two verbs only

    found = run_demo(Platform.here(), say=say, speed=speed, frauds=frauds)
    put(found, as_json, "\n".join(f"{key}: {value}" for key, value in found.items()))
