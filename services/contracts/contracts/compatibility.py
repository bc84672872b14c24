"""Whether a changed schema would break somebody who reads or writes the frozen one. Pure.

Promises: a field removed, retyped or newly required is named; an added optional field is silent.
"""

import json
from collections.abc import Iterator
from typing import Any


def shape(field: Any) -> str:
    """A field's type without its prose."""
    return json.dumps(
        {k: v for k, v in field.items() if k not in {"description", "default", "title"}}, sort_keys=True
    )


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What a reader or writer of `old` would stumble over in `new`."""
    for name, before in old.get("$defs", {}).items():
        after = new.get("$defs", {}).get(name)
        if after is None:
            yield f"{name} removed"
            continue
        for field, was in before.get("properties", {}).items():
            now = after.get("properties", {}).get(field)
            if now is None:
                yield f"{name}.{field} removed"
            elif shape(was) != shape(now):
                yield f"{name}.{field} retyped"
        for field in set(after.get("required", ())) - set(before.get("required", ())):
            yield f"{name}.{field} newly required"
