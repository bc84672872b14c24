"""Rows for tests of the last lock, made from what the columns of a table say."""

import uuid
from typing import Any

import asyncpg

HERE, NEIGHBOUR = "131000", "131100"
NEIGHBOUR_KEY = str(uuid.uuid5(uuid.NAMESPACE_OID, NEIGHBOUR))
COLUMNS = """
SELECT attname, format_type(atttypid, NULL) AS type, attnotnull OR attname IN ('uscc', 'dept') AS is_needed,
       attidentity = 'a' AS is_numbered
FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
"""


def value(column: asyncpg.Record, region: str) -> Any:
    """What a column of a row of this region holds; keys agree, so that rows hang together."""
    name, kind = column["attname"], column["type"]
    if name == "region_path":
        return [region]
    if name in {"region", "own_region"}:
        return region
    made = {
        "uuid": uuid.uuid5(uuid.NAMESPACE_OID, region), "boolean": "false", "jsonb": "{}",
        "bytea": region.encode(),
        "date": "2026-11-21", "timestamp with time zone": "2026-11-21",
    }  # fmt: skip
    if kind.endswith("[]"):
        return "{}"
    return made.get(kind, region if kind == "text" else 131 if kind == "smallint" else int(region))


async def plant(superuser_url: str, tables: list[str]) -> None:
    """One row of each region in each table, told to a superuser whom no key and no lock stops."""
    connection = await asyncpg.connect(superuser_url)
    await connection.execute("SET session_replication_role = replica")
    for table in tables:
        columns = [row for row in await connection.fetch(COLUMNS, table) if row["is_needed"]]
        names = ", ".join(row["attname"] for row in columns)
        for region in (HERE, NEIGHBOUR):
            cells = ", ".join(literal(value(row, region)) for row in columns)
            await connection.execute(
                f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({cells})"
            )
    await connection.close()


def literal(told: Any) -> str:
    if isinstance(told, bytes):
        return f"'\\x{told.hex()}'"
    if isinstance(told, list):
        return f"ARRAY['{told[0]}']"
    return str(told) if isinstance(told, int) else f"'{told}'"
