"""Files of measured values under fuzzing: what `jianzhen qc run` reads, for any bytes.

`check` raises on a broken truth: what cannot be read is refused, everything else has one verdict per value.
"""

from jianzhen.selfcheck.filemap import FileMap
from jianzhen.selfcheck.opening import table
from jianzhen.selfcheck.run import Checked, check_table
from jianzhen.selfcheck.told import Notes
from jianzhen.state import Refused
from qc.rules.offline.profile import load_profile

PROFILES = [load_profile(name) for name in ("ambient-air", "waste-water")]
EIGHT_HOURS_MS = 28_800_000


def _judged(data: bytes) -> Checked | None:
    notes, profile = Notes(), PROFILES[len(data) % 2]
    try:
        read = table(data, "file", notes)
        return check_table(read, profile, FileMap(), EIGHT_HOURS_MS, notes, lambda *told: None)
    except Refused as refused:
        assert refused.code == 2 and str(refused).count("\n") >= 1
        return None


def check_file(data: bytes) -> None:
    """Values in = verdicts out, each with a code of the standard; the notes are in both languages."""
    checked = _judged(data)
    if checked is None:
        return
    sheet, judged = checked.sheet, checked.judged
    assert len(judged.code) == sheet.time.len() * sheet.columns == len(sheet.readings)
    assert set(judged.code.tolist()) <= {1, 2, 3, 4, 9}
    assert all(0.0 <= score <= 1.0 for score in judged.score.tolist())
    assert all(note.zh and note.en for note in checked.notes.made)


WORDS = (
    b"time,", b"series,value", b"PM2.5", b"a34004", b"_flag", b"station", b"2026-01-01 00:00", b"1e308",
    b"T00:00:00+08:00", b"5e-324", b"NaN", b"<0.05", b"0.1L", b"\r\n", b'"', b"\xff\xfe", b"\x00", b";",
    b"\t", b",,",
)  # fmt: skip
# A whole file is read and judged by every rule: some dozens a second.
FILES = {"selfcheck": (check_file, 4000, WORDS, 2)}
