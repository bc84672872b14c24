"""What is decided without looking anything up: framing, checksums, grammar, times, units, row verdicts.

Promises: pure functions and small state machines; `now` is an argument; nothing here touches a database, a
socket or a clock. Leaves to `flows`: what is registered, what is committed, what is said.
"""
