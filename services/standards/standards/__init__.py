"""What the law and the standards say: dated tables and pure functions.

Promises: every threshold, limit, breakpoint, weight and deadline is a row of `data/*.csv` with its source and
its days of validity; arithmetic that decides something is exact (`Decimal`, `Fraction`); nothing here reads
a clock, a network, a database or the environment. Leaves to others: when to ask, and what to do about it.
"""
