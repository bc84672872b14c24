"""Links upward: registered, fed from the outbox, sent, answered, reconciled.

Promises: what was committed is queued exactly once and sent until it is answered; the hot path of receiving
writes nothing for it. Leaves what an answer means to `rules.uplinks`.
"""
