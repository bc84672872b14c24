"""The judge who knows the place: sees what was planted, and nothing where nothing was."""

from dataclasses import replace

import numpy as np
from jianzhen.planting import oracle
from jianzhen.planting.plant import Planted, Truth
from qc.rules.falsify.panel import DAY_MS, Panel
from qc.rules.outcome import Floats


def test_a_judge_who_knows_the_place_sees_a_cap_and_not_nothing() -> None:
    rng = np.random.default_rng(3)
    panel = _lone(np.round(100 * np.exp(0.3 * rng.standard_normal(600)), 0))
    capped = panel.value.copy()
    capped[0, 300:400] = np.fmin(capped[0, 300:400], 110)
    truth = Truth(0, "cap", "outlet", "w01018", 0, 300, 400, 30)
    unchanged = Truth(0, "scale", "outlet", "w01018", 0, 300, 400, 0)
    planted = [Planted(replace(panel, value=capped), (truth,)), Planted(panel, (unchanged,))]
    judged = oracle.told(panel, planted, {"cap", "scale"})
    assert oracle.shares(judged) == {"cap": 1.0, "scale": 0.0}
    assert judged["cap"] == [oracle.Told(0, 0, True)]
    assert oracle.told(panel, planted, {"scale"}) == {"scale": [oracle.Told(1, 0, False)]}


def test_a_loss_put_right_again_and_again_is_seen_by_its_teeth() -> None:
    rng = np.random.default_rng(5)
    panel = _lone(np.round(1000 * np.exp(0.1 * rng.standard_normal(1200)), 0))
    worn = panel.value.copy()
    worn[0, 600:800] = np.round(worn[0, 600:800] * (1 - 0.5 * (np.arange(200) % 20) / 20))
    teeth = Truth(0, "drift-hide", "outlet", "w01018", 0, 600, 800, 190)
    judged = oracle.told(panel, [Planted(replace(panel, value=worn), (teeth,))], {"drift-hide"})
    assert oracle.shares(judged) == {"drift-hide": 1.0}


def _lone(values: Floats) -> Panel:
    unknown = np.full(1, np.nan)
    return Panel(
        0, DAY_MS, ("outlet",), ("w01018",), ("mg/L",), values[None], np.zeros((1, len(values)), np.int64),
        np.ones((1, len(values)), np.bool_), np.ones(1), unknown.copy(), unknown.copy(), unknown.copy(),
        unknown.copy(), np.full((1, 2), np.nan),
    )  # fmt: skip
