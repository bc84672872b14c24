"""The rules of credit: pure functions over dated data.

Promises: nothing here reads a clock, a database or the environment; the legal day is always an argument.
Leaves repair, objection and grades below serious to later work.
"""
