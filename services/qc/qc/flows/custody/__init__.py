"""Flows of custody: steps, persons, results, signatures, reports, and whether data may be evidence."""
