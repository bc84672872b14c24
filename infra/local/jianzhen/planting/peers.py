"""Other tools beside ours: run in an environment of their own, their flags read as claims.

Promises: no peer is imported here; each gets the series and its history and nothing else; a tool that is not
installed, or failed, is named with how to get it. Flags a day or less apart are one claim.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qc.rules.falsify.panel import Panel
from qc.rules.outcome import Flags, Ints

from jianzhen.planting.plant import Planted
from jianzhen.planting.score import Claim
from jianzhen.state import ROOT, Refused

HERE = ROOT / "tests/bench/qc_peers"
PYTHON = ROOT / ".tools/peers/qc/bin/python"
TOOLS = ("SaQC", "ioos_qc", "tsod", "IsolationForest")
SETUP = "sh tests/bench/qc_peers/setup.sh"


@dataclass(frozen=True)
class PeerFound:
    """What one peer said: per panel its claims; `trouble` where it could not judge a series."""

    name: str
    version: str
    claims: tuple[tuple[Claim, ...], ...]
    seconds: float
    trouble: tuple[str, ...]


def missing() -> dict[str, str]:
    """The peers that cannot be run, with what to do."""
    if PYTHON.exists() and (HERE / "detect.py").exists():
        return {}
    return dict.fromkeys(TOOLS, f"not installed here; in a clone: {SETUP}")


def run(
    untouched: Panel, planted: Sequence[Planted], window: tuple[int, int], tell: Callable[[int, int], None]
) -> list[PeerFound]:
    """Every peer on the untouched panel, then on what was changed: each judges one series at a time, so that
    its flags for the other series are those it gave before. `tell(done, of)` after each panel.
    """
    every = np.arange(untouched.shape[0])
    first, said = _asked(untouched, every, window)
    found = {name: [tuple(claims(first[name], untouched.per_day))] for name in TOOLS}
    trouble = {name: list(said[name]["errors"]) for name in TOOLS}
    seconds = {name: float(said[name]["seconds"]) for name in TOOLS}
    tell(1, len(planted) + 1)
    for number, one in enumerate(planted, start=2):
        rows = np.array(sorted({truth.row for truth in one.truths}), dtype=np.int64)
        flags, said = _asked(one.panel, rows, window)
        for name in TOOLS:
            whole = first[name].copy()
            whole[rows] = flags[name]
            found[name].append(tuple(claims(whole, untouched.per_day)))
            trouble[name] += said[name]["errors"]
            seconds[name] += said[name]["seconds"]
        tell(number, len(planted) + 1)
    return [
        PeerFound(
            name, said[name]["version"], tuple(found[name]), seconds[name], tuple(sorted(set(trouble[name])))
        )
        for name in TOOLS
    ]


def _asked(
    panel: Panel, rows: Ints, window: tuple[int, int]
) -> tuple[dict[str, Flags], dict[str, dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "in.npz", Path(folder) / "out.npz"
        value, step_s = panel.value[rows, : window[1]], panel.step_ms // 1000
        np.savez(given, value=value, step_s=step_s, first=window[0], tools=np.array(TOOLS))
        done = subprocess.run(
            [str(PYTHON), str(HERE / "detect.py"), str(given), str(made)], capture_output=True, check=False
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace")[-500:]
            raise Refused(f"the peers failed: {said}\nset them up anew: {SETUP}")
        with np.load(made) as found:
            return {name: found[name] for name in TOOLS}, json.loads(str(found["about"]))


def claims(flags: Flags, join: int) -> list[Claim]:
    """Flags of a matrix as claims, known with their first value. Worked example: flags at 3, 4 and 9 with
    `join` 24 → one claim [3, 10).
    """
    made: list[Claim] = []
    for row, of_row in enumerate(flags):
        at = np.flatnonzero(of_row)
        if not len(at):
            continue
        cuts = np.flatnonzero(np.diff(at) > join)
        begins, ends = at[np.concatenate(([0], cuts + 1))], at[np.concatenate((cuts, [-1]))]
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            made.append(Claim(row, begin, end + 1, "", (), begin + 1))
    return made
