"""Operations as methods: arguments as the interface has them, one `Call`, a typed answer.

Promises: one method for every operation, named as its service names it; one more that walks the pages where
an operation has a cursor. Leaves sending to the client's `transport`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jianzhen.pyclient.shapes import Schema, Shapes
from jianzhen.pyclient.text import camel, docstring, snake

JSON = "application/json"
IN_ORDER = ("path", "query", "header")


@dataclass(frozen=True)
class Operation:
    """One operation of one service."""

    service: str
    method: str
    path: str
    said: dict[str, Any]
    name: str

    @property
    def group(self) -> str:
        return camel((self.said.get("tags") or ["other"])[0])

    def parameters(self, place: str) -> list[dict[str, Any]]:
        found = [one for one in self.said.get("parameters", []) if one["in"] == place]
        if place == "path":
            told = {one["name"]: one for one in found}
            names = re.findall(r"{([^}:]+)", self.path)
            return [told.get(name, {"name": name, "schema": {"type": "string"}}) for name in names]
        return [one for one in found if one["name"].lower() != "authorization"]

    @property
    def has_pages(self) -> bool:
        return any(one["name"] == "cursor" for one in self.parameters("query"))


def name_of(path: str, verb: str, said: dict[str, Any]) -> str:
    """What the service calls it: FastAPI's operation id without the path and method behind it.

    Worked example: `put_site_sites__code__put` of `/sites/{code}` is `put_site`.
    """
    return snake(str(said["operationId"]).removesuffix(re.sub(r"\W", "_", path) + f"_{verb}"))


def method(operation: Operation, shapes: Shapes, module: str) -> list[str]:
    """The lines of the method."""
    answer = _answer(operation, shapes, module)
    sending = f"return self._transport.send({_call(operation, answer)})"
    lines = _method(operation, operation.name, answer, sending, (shapes, module))
    if operation.has_pages:
        name = "all_" + re.sub(r"^(list|show|get)_", "", operation.name)
        walking = f"return self._transport.pages({_call(operation, 'Any')})"
        lines += ["", *_method(operation, name, "Iterator[Any]", walking, (shapes, module))]
    return lines


def _method(operation: Operation, name: str, answer: str, does: str, at: tuple[Shapes, str]) -> list[str]:
    arguments = ["self", *_positional(operation, *at)]
    if named := list(_named(operation, *at)):
        arguments += ["*", *named]
    is_walk = name != operation.name
    described = operation.said.get("description") or operation.said.get("summary") or name
    text = f"Every item of `{operation.name}`, page after page. 逐页取出全部条目。" if is_walk else described
    route = f"{operation.method.upper()} /api/{operation.service}{operation.path}"
    right = operation.said.get("x-permission", "open")
    return [
        f"    def {name}({', '.join(arguments)}) -> {answer}:",
        *docstring(f"{text}\n\n`{route}`, `{right}`", "        "),
        f"        {does}",
    ]


def _positional(operation: Operation, shapes: Shapes, module: str) -> Iterator[str]:
    for one in operation.parameters("path"):
        hint = f"{camel(operation.name)}{camel(one['name'])}"
        yield f"{snake(one['name'])}: {shapes.type_of(one.get('schema', {}), hint, module)}"
    body = operation.said.get("requestBody")
    if body is not None:
        yield f"body: {_body(operation, shapes, module)}" + ("" if body.get("required") else " = None")


def _body(operation: Operation, shapes: Shapes, module: str) -> str:
    body = operation.said["requestBody"]
    kinds = []
    for media, content in body["content"].items():
        hint = f"{camel(operation.name)}Body"
        kinds.append(
            shapes.type_of(content.get("schema", {}), hint, module) if media == JSON else "bytes | str"
        )
    found = list(dict.fromkeys(part for kind in kinds for part in kind.split(" | ")))
    if "Any" in found:
        return "Any"
    return " | ".join(found + ["None"] * (not body.get("required") and "None" not in found))


def _named(operation: Operation, shapes: Shapes, module: str) -> Iterator[str]:
    for place in ("query", "header"):
        for one in sorted(operation.parameters(place), key=lambda found: not found.get("required")):
            hint = f"{camel(operation.name)}{camel(one['name'])}"
            kind = shapes.type_of(one.get("schema", {}), hint, module)
            if one.get("required"):
                yield f"{snake(one['name'])}: {kind}"
            else:
                yield f"{snake(one['name'])}: {_or_none(kind)} = None"
    medias = list(operation.said.get("requestBody", {}).get("content", {}))
    if medias and medias != [JSON]:
        yield f'media: str = "{medias[0]}"'


def _or_none(kind: str) -> str:
    return kind if kind == "Any" or kind.endswith("None") else f"{kind} | None"


def _call(operation: Operation, answer: str) -> str:
    parts = [f'"{operation.method.upper()}"', f'"/api/{operation.service}{operation.path}"']
    for place, word in zip(IN_ORDER, ("places", "query", "headers"), strict=True):
        if found := operation.parameters(place):
            inner = ", ".join(f'"{one["name"]}": {snake(one["name"])}' for one in found)
            parts.append(f"{word}={{{inner}}}")
    if "requestBody" in operation.said:
        parts.append("body=body")
        if list(operation.said["requestBody"]["content"]) != [JSON]:
            parts.append("media=media")
    return f"Call[{answer}]({', '.join(parts)})"


def _answer(operation: Operation, shapes: Shapes, module: str) -> str:
    """What success is answered with; `Any` where the interface does not say."""
    kinds: list[str] = []
    for status, said in operation.said["responses"].items():
        if not status.startswith("2"):
            continue
        content: dict[str, Schema] = said.get("content", {})
        if not content:
            kinds.append("None" if status == "204" else "Any")
        for media, one in content.items():
            schema = one.get("schema", {})
            is_json = media == JSON or media.endswith("+json")
            kinds.append(
                shapes.type_of(schema, f"{camel(operation.name)}Answer", module)
                if is_json
                else "str"
                if media.startswith("text/")
                else "bytes"
            )
    found = list(dict.fromkeys(kinds))
    return "Any" if "Any" in found or not found else " | ".join(found)
