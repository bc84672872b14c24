"""Makes what the code says readable: frozen JSON Schemas, docs/asyncapi.yaml, the README's table, the client.

Promises: the same catalogue gives the same bytes, so that a test can compare. Run by `make docs`:
`python -m jianzhen.documents write` writes, `check` exits 1 when a file differs. A change that breaks a
frozen schema is refused: it needs a new version of the event.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import policy
import yaml
from contracts.catalogue import CATALOGUE, Entry
from contracts.compatibility import breaking_changes

from jianzhen.pyclient import write as client

ROOT = Path(__file__).resolve().parents[3]
FROZEN = ROOT / "services/contracts/frozen"
BEGIN, END = "<!-- events: made by `make docs` -->", "<!-- end of events -->"


def schema(entry: Entry) -> str:
    """The JSON Schema of one event, as it is frozen."""
    return json.dumps(msgspec.json.schema(entry.event), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def summary(entry: Entry) -> str:
    return (entry.event.__doc__ or "").strip().split("\n")[0]


HEADERS = {
    "type": "object",
    "required": ["ce-id", "ce-type", "ce-source", "ce-time", "ce-specversion", "ce-sequence"],
    "properties": {
        "ce-id": {"type": "string", "description": "<service>-<n>, also Nats-Msg-Id"},
        "ce-type": {"type": "string"},
        "ce-source": {"type": "string"},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-specversion": {"const": "1.0"},
        "ce-sequence": {"type": "string", "description": "number in the lane, without gaps"},
        "ce-key": {"type": "string", "description": "business key; order holds within it"},
        "ce-traces": {"type": "string", "description": "trace ids it rests on, separated by commas"},
        "traceparent": {"type": "string"},
        "content-encoding": {
            "const": "zstd",
            "description": "above 4 KB: frames that unpack to the JSON",
        },
    },
}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of the whole bus."""
    _, components = msgspec.json.schema_components(
        [entry.event for entry in CATALOGUE], ref_template="#/components/schemas/{name}"
    )
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for entry in CATALOGUE:
        name = entry.event.__name__
        key = f"{entry.producer}.{entry.name}"
        messages[key] = {
            "name": entry.type,
            "summary": summary(entry),
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        channels[key] = {
            "address": f"{entry.type}.{{lane}}",
            "parameters": {"lane": {"enum": entry.lanes}},
            "messages": {name: {"$ref": f"#/components/messages/{key}"}},
        }
        operations[f"{entry.producer}.send.{entry.name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
        }
        for consumer in entry.consumers:
            operations[f"{consumer}.receive.{key}"] = {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{key}"},
            }
    components["CloudEventHeaders"] = HEADERS
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jianzhen events",
            "version": "1",
            "description": "Made from services/contracts/contracts/catalogue.py; do not edit.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": components},
    }


def table() -> str:
    """The README's table of events."""
    rows = ["| event | said by | heard by | what it says |", "|---|---|---|---|"]
    for entry in CATALOGUE:
        heard = ", ".join(entry.consumers) or "–"
        rows.append(f"| `{entry.type}` | {entry.producer} | {heard} | {summary(entry)} |")
    return "\n".join(rows)


def with_table(text: str) -> str:
    """`text` with the table between its two markers; unchanged where there are none."""
    if BEGIN not in text:
        return text
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def wanted() -> dict[Path, str]:
    """Every generated file with the text it must have."""
    files = {FROZEN / f"{entry.type}.schema.json": schema(entry) for entry in CATALOGUE}
    files[ROOT / "docs/asyncapi.yaml"] = yaml.safe_dump(
        asyncapi(), sort_keys=False, allow_unicode=True, width=110
    )
    files[ROOT / "docs/permissions.md"] = f"# Who may do what 谁可以做什么\n\n{policy.table()}"
    readme = ROOT / "README.md"
    if readme.exists():
        files[readme] = with_table(readme.read_text(encoding="utf-8"))
    return files | client.wanted()


def broken() -> list[str]:
    """The breaking changes against what is frozen; they need a new event version, never an overwrite."""
    found = []
    for entry in CATALOGUE:
        path = FROZEN / f"{entry.type}.schema.json"
        if path.exists():
            old = json.loads(path.read_text(encoding="utf-8"))
            found += [
                f"{entry.type}: {change}" for change in breaking_changes(old, json.loads(schema(entry)))
            ]
    return found


def main() -> int:
    """`write` brings every file up to date; `check` names those that are not."""
    files = wanted()
    stale = [
        path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    gone = client.present() - set(files)
    if sys.argv[1:] == ["check"]:
        for path in [*stale, *sorted(gone)]:
            sys.stderr.write(f"out of date: {path.relative_to(ROOT)} (run `make docs`)\n")
        return 1 if stale or gone else 0
    if changes := broken():
        sys.stderr.write("refused, make a new version of the event:\n  " + "\n  ".join(changes) + "\n")
        return 1
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
