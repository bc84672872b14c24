"""Times as people write them, to UTC milliseconds.

Promises: ISO 8601 with or without offset, with blanks, slashes or 年月日, yyyyMMddHHmmss, 24:00; what is none
of these is NO_TIME, never a guess between day and month. Leaves the zone of naive times to the caller.
"""

import re

import polars as pl
from qc.rules.offline.readings import LATEST_MS, NO_TIME
from qc.rules.outcome import Ints

from jianzhen.selfcheck.told import refusal

PLAIN = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d")
DIRECT = (
    *PLAIN[:3],
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M%S",
)
OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})?")


def zone_ms(text: str) -> int:
    """An offset in milliseconds. Worked example: `+08:00` → 28,800,000; `Z` → 0."""
    if text.upper() in ("Z", "UTC"):
        return 0
    parts = _ZONE.fullmatch(text.strip())
    if not parts or int(parts[2]) > 15 or int(parts[3] or 0) > 59:
        raise refusal(f"--tz {text}：应写作 +08:00", f"--tz {text}: write it like +08:00")
    minutes = int(parts[2]) * 60 + int(parts[3] or 0)
    return (-1 if parts[1] == "-" else 1) * minutes * 60_000


def instants(text: pl.Series, naive_ms: int, form: str | None) -> Ints:
    """UTC milliseconds of each text, NO_TIME where it cannot be read; `naive_ms` is the zone of naive ones.

    Worked example: `2026-01-01 08:00` at +08:00 → 1767225600000.
    """
    if form is not None:
        return _bounded(_parsed(text, form), naive_ms)
    head = text.drop_nulls().head(200).to_frame("t")
    hits = head.select(_read(pl.col("t"), one).count().alias(one) for one in DIRECT).row(0, named=True)
    best = max(DIRECT, key=lambda one: hits[one])
    found = _parsed(text, best)
    left = found.is_null() & text.is_not_null()
    at = _bounded(found, naive_ms)
    if left.any():
        rows = left.arg_true().to_numpy()
        at[rows] = _slowly(text.gather(rows), naive_ms)
    return at


def _parsed(text: pl.Series, form: str) -> pl.Series:
    return text.to_frame("t").select(_read(pl.col("t"), form)).to_series()


def _read(text: pl.Expr, form: str) -> pl.Expr:
    read = text.str.strptime(pl.Datetime("ms"), form, strict=False, ambiguous="null")
    return read.dt.replace_time_zone(None)


def _bounded(found: pl.Series, naive_ms: int) -> Ints:
    return _known(found.dt.epoch("ms").cast(pl.Int64) - naive_ms)


def _known(at: pl.Series) -> Ints:
    inside = ((at >= 0) & (at < LATEST_MS)).fill_null(False)
    known: Ints = at.zip_with(inside, pl.Series([NO_TIME], dtype=pl.Int64)).to_numpy().copy()
    return known


def _slowly(text: pl.Series, naive_ms: int) -> Ints:
    """Texts that are not in the form of the others: one by one brought into a plain form."""
    plain, base = pl.col("plain"), pl.col("base")
    tidy = pl.col("t").str.strip_chars(" \t\"'").str.replace_all(r"[年月/]", "-").str.replace_all("日", " ")
    tidy = tidy.str.replace_all("[时：]", ":").str.replace_all("分", "")
    tidy = tidy.str.replace(r"(\d)[Tt](\d)", "${1} ${2}").str.replace_all(r"\s+", " ")
    tidy = tidy.str.strip_chars().str.replace(r"( \d{1,2}):?$", "${1}:00")
    has_clock = plain.str.contains(":") | plain.str.contains("[Zz]$")
    offset = pl.when(has_clock).then(plain.str.extract(f"({OFFSET})"))
    without = pl.when(pl.col("offset").is_not_null()).then(plain.str.replace(rf"\s*{OFFSET}", ""))
    frame = text.to_frame("t").select(tidy.alias("plain")).with_columns(offset.alias("offset"))
    frame = frame.select("offset", without.otherwise(plain).alias("base")).select(
        "offset",
        base.str.replace(r" 24:00", " 00:00").alias("base"),
        base.str.contains(r" 24:00(:00)?$").fill_null(False).cast(pl.Int64).alias("days"),
    )
    read = pl.coalesce(_read(base, form) for form in PLAIN).dt.epoch("ms").cast(pl.Int64)
    zones: dict[str | None, int | None] = {None: naive_ms}
    for one in frame["offset"].drop_nulls().unique().to_list():
        zones[one] = zone_ms(one) if _is_zone(one) else None
    shift = pl.Series([zones[one] for one in frame["offset"].to_list()], dtype=pl.Int64)
    return _known(frame.select(read + pl.col("days") * 86_400_000).to_series() - shift)


def _is_zone(text: str) -> bool:
    parts = _ZONE.fullmatch(text)
    return text in "Zz" or bool(parts and int(parts[2]) <= 15 and int(parts[3] or 0) <= 59)
