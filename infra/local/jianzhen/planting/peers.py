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
    rows = [np.arange(untouched.shape[0])]
    rows += [np.unique([truth.row for truth in one.truths]).astype(np.int64) for one in planted]
    with tempfile.TemporaryDirectory() as folder:
        for number, (panel, wanted) in enumerate(
            zip([untouched, *(one.panel for one in planted)], rows, strict=True)
        ):
            value = panel.value[wanted, : window[1]]
            np.savez(Path(folder) / f"in{number:04}.npz", value=value)
        _asked(Path(folder), untouched.step_ms // 1000, window[0], lambda done: tell(done, len(rows)))
        found = {name: _claims(Path(folder), name, rows, untouched.per_day) for name in TOOLS}
        about = json.loads((Path(folder) / "about.json").read_text())
    return [
        PeerFound(
            name, about[name]["version"], found[name], about[name]["seconds"], tuple(about[name]["errors"])
        )
        for name in TOOLS
    ]


def _asked(folder: Path, step_s: int, first: int, tell: Callable[[int], None]) -> None:
    """One process for all panels: its libraries take longer to load than a panel takes."""
    argv = [str(PYTHON), str(HERE / "detect.py"), str(folder), str(step_s), str(first), *TOOLS]
    with (folder / "stderr").open("w+b") as errors:
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, text=True) as child:
            for done, _ in enumerate(child.stdout or (), start=1):
                tell(done)
        if child.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-500:]
            raise Refused(f"the peers failed: {said}\nset them up anew: {SETUP}")


def _claims(folder: Path, name: str, rows: Sequence[Ints], join: int) -> tuple[tuple[Claim, ...], ...]:
    made: list[tuple[Claim, ...]] = []
    first: Flags | None = None
    for number, wanted in enumerate(rows):
        with np.load(folder / f"out{number:04}.npz") as found:
            flags = found[name]
        if first is None:
            first = whole = flags
        else:
            whole = first.copy()
            whole[wanted] = flags
        made.append(tuple(claims(whole, join)))
    return tuple(made)


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
