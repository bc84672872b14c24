"""Rows of three owners in every table of a service, each text of which tells whose it is and where it stood.

Promises: no column is forgotten, for the tables are asked of the database; what has to be a word of a
vocabulary is written by hand in contract/planted_words.yaml. Use: `planted = await plant(url, "cases")`.
"""

import hashlib
import json
import re
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import yaml
from standards.regions import ancestors

WORDS = Path(__file__).parent / "contract" / "planted_words.yaml"
CANARY = re.compile(r"canary-(home|other|away)-(\w+\.\w+)")
COLUMNS = """
SELECT c.table_name AS table, c.column_name AS name, c.udt_name AS kind, c.is_nullable = 'YES' AS may_be_null,
       c.column_default IS NOT NULL AS has_default
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
ORDER BY c.table_name, c.ordinal_position
"""
KEYS = """
SELECT t.relname AS table, a.attname AS name FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND t.relnamespace = 'public'::regnamespace
"""
SEQUENCES = """
SELECT table_name, pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence
FROM information_schema.columns
WHERE table_schema = 'public' AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL
"""


@dataclass(frozen=True)
class Side:
    """One owner of rows. `home` and `other` are two units of one region, `away` is another region."""

    name: str
    n: int
    region: str
    uscc: str

    @property
    def site(self) -> str:
        return f"{self.region}-A{self.n:02}"

    @property
    def path(self) -> str:
        return "{" + ",".join((self.region, *ancestors(self.region))) + "}"


SIDES = (
    Side("home", 1, "131000", "91131000MA00000011"),
    Side("other", 2, "131000", "91131000MA00000022"),
    Side("away", 3, "131100", "91131100MA00000033"),
)


@dataclass
class Planted:
    """What was planted: `values` by the name of a column, `keys` of every table."""

    values: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    keys: list[str] = field(default_factory=list)

    def known(self, name: str) -> list[str]:
        """What a request may ask for by this name: its own column's values, else any row's key."""
        return self.values.get(name) or self.keys


@cache
def words(service: str) -> dict[str, Any]:
    told: dict[str, dict[str, Any]] = yaml.safe_load(WORDS.read_text())
    return {**told["any"], **(told.get(service) or {})}


def canary(side: Side, table: str, column: str) -> str:
    return f"canary-{side.name}-{table}.{column}"


def _filled(word: Any, side: Side, table: str, column: str) -> Any:
    """`word` with `<site>`, `<canary>`, … of this side in it."""
    if not isinstance(word, str):
        text = json.dumps(word, ensure_ascii=False)
        return _filled(text, side, table, column)
    told = {
        **{"n": str(side.n), "region": side.region, "uscc": side.uscc, "site": side.site, "path": side.path},
        "hash": hashlib.sha256(canary(side, table, column).encode()).hexdigest(),
        **{"canary": canary(side, table, column), "side": side.name},
    }
    word = word.replace('"<n>"', str(side.n))
    word = re.sub(r"<uuid (\w+)>", lambda found: identity(side, found[1]), word)
    return re.sub(r"<(\w+)>", lambda found: told[found[1]], word)


def identity(side: Side, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{side.name}/{name}"))


def value_of(column: asyncpg.Record, side: Side, told: dict[str, Any]) -> str | None:
    """What stands in this column for this side, as text."""
    table, name, kind = column["table"], column["name"], column["kind"]
    for known in (f"{table}.{name}", name):
        if known in told:
            return None if told[known] is None else str(_filled(told[known], side, table, name))
    if kind in {"timestamptz", "date", "int8", "int4", "int2", "float8"} and column["may_be_null"]:
        return None
    if kind == "uuid":
        return identity(side, table if name == "id" else name)
    text = canary(side, table, name)
    plain = {
        **{"text": text, "varchar": text, "_text": f"{{{text}}}", "bytea": "\\x" + text.encode().hex()},
        **{"jsonb": json.dumps({"note": text}), "bool": "false", "date": "2026-11-20", "float8": "1.5"},
        **{"timestamptz": f"2026-11-20T0{side.n}:00:00Z", "int8": str(side.n), "int4": str(side.n)},
        **{"int2": str(side.n), "_int8": f"{{{side.n}}}", "_int4": f"{{{side.n}}}", "_int2": f"{{{side.n}}}"},
    }
    return plain[kind]


async def plant(url: str, service: str) -> Planted:
    """Plants a row of each side into every table; `url` is the superuser's."""
    told, planted = words(service), Planted()
    connection = await asyncpg.connect(url)
    try:
        # Neither triggers nor the order of foreign keys stand in the way of a superuser who says so.
        await connection.execute("SET session_replication_role = replica")
        keys = {(row["table"], row["name"]) for row in await connection.fetch(KEYS)}
        tables = defaultdict[str, list[asyncpg.Record]](list)
        for column in await connection.fetch(COLUMNS):
            if column["table"] not in told["not planted"]:
                tables[column["table"]].append(column)
        for table, columns in tables.items():
            for side in SIDES:
                row = {one["name"]: value_of(one, side, told) for one in columns}
                places = ", ".join(f"${at}::text::{one['kind']}" for at, one in enumerate(columns, 1))
                names = ", ".join(f'"{one["name"]}"' for one in columns)
                into = f'INSERT INTO "{table}" ({names}) OVERRIDING SYSTEM VALUE VALUES ({places})'
                await connection.execute(into, *row.values())
                for name, value in row.items():
                    if (value is not None and not CANARY.search(value)) or (table, name) in keys:
                        planted.values[name].append(str(value))
                    if (table, name) in keys:
                        planted.keys.append(str(value))
        # What the service writes itself comes after what was planted.
        for table, sequence in await connection.fetch(SEQUENCES):
            await connection.execute(
                f'SELECT setval($1::text::regclass, 1000 + (SELECT count(*) FROM "{table}"))', sequence
            )
    finally:
        await connection.close()
    planted.values = {name: sorted(set(found)) for name, found in planted.values.items()}
    planted.keys = sorted(set(planted.keys))
    return planted
