"""`jianzhen down`: stop everything, leave no process."""

import time

from jianzhen import lifecycle
from jianzhen.screen import AsJson, console, put
from jianzhen.state import State


def down(as_json: AsJson = False) -> None:
    """Stop the platform; the data stay in .state. 停止平台，数据保留。

    Services finish the transactions they have in hand; PostgreSQL stops last.

    \b
    Examples:
      jianzhen down
      jianzhen down && rm -rf .state      also forget everything
    """
    state = State.here()
    begun = time.monotonic()
    with state.only_one("down"), console.status("stopping") as status:
        stopped = lifecycle.stop(state, lambda step: status.update(f"stopping {step}"))
    seconds = round(time.monotonic() - begun, 1)
    text = f"stopped {len(stopped)} processes in {seconds} s" if stopped else "nothing was running"
    put({"stopped": stopped, "seconds": seconds}, as_json, text)
