"""Whether several stations are declared to be one monitoring point as they should be."""

from qc.rules.registers.flaws import flaw
from qc.rules.registers.judged import Cells, Context, Judged


def judge_point(values: Cells, context: Context) -> Judged:
    """At least two stations, each named once, of at least two departments.

    Source: LF-01 廊办字〔2018〕50号 一(二)3. Worked example: A01 of ee.mon and W07 of water → nothing amiss.
    """
    sites = [row["site"] for row in values["stations"]]
    departments = {row["dept"] for row in values["stations"]}
    if len(set(sites)) != len(sites) or len(departments) < 2:
        told = ", ".join(f"{row['site']} {row['dept']}" for row in values["stations"])
        return Judged(flaws=[flaw("stations", "same-point", told)])
    return Judged()
