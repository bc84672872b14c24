"""How the command speaks: data on stdout, everything else on stderr.

Promises: with --json, stdout is one JSON document and nothing more. Leaves what to say to the verbs.
"""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

console = Console(stderr=True, highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout · 以 JSON 输出")]


def say(text: str) -> None:
    # A pipe has no width to break lines for.
    console.print(text, soft_wrap=not console.is_terminal)


def put(data: Any, as_json: bool, text: str = "") -> None:
    """The result: JSON when asked for, else the text."""
    if as_json:
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")
    elif text:
        sys.stdout.write(text.rstrip("\n") + "\n")


def table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Rows for eyes, on stdout."""
    shown = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(str(row.get(column, "")) for column in columns))
    Console(highlight=False).print(shown)
