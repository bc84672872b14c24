"""The log's arithmetic is fast enough: at least 10,000 leaves a second, a proof in at most 5 ms."""

from time import process_time

from tlog import speed


def test_leaves_and_proofs_are_fast_enough() -> None:
    # CPU time of this process: what others do on the machine is no defect of the log.
    found = speed.measure(process_time, leaves=70_000, proofs=200)
    assert found.leaves_per_second >= 10_000
    assert found.proof_ms <= 5 and found.verify_ms <= 5
