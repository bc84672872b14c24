"""Where the learned detector joins the tests: it runs only if it is asked for (`needs: [learned]`) [L].

Promises: nothing but the way there. Leaves the model to `qc.rules.learned`, and whether it is asked to the
caller.
"""

from qc.rules.falsify.catalogue import register
from qc.rules.falsify.finding import Chosen, Finding
from qc.rules.falsify.panel import Panel


@register("L1")
def learned(panel: Panel, chosen: Chosen) -> list[Finding]:
    """Days the series' own model has not learned to expect [L1]."""
    from qc.rules.learned.detect import unusual  # builds on the modules of this package

    return unusual(panel, chosen)
