"""The rules of the proceedings: pure functions over dated data.

Promises: nothing here reads a clock, a database or the environment; the legal day is always an argument.
Rules return `Refusal`s; `cases.flows` turns them into problems. Leaves fines of persons, hearings, service,
transfer to the police and the daily penalty to later work: this slice decides fines of organisations.
"""
