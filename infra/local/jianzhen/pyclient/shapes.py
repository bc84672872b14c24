"""JSON Schema as Python types: objects become TypedDicts, so that a body is a dict and an answer stays one.

Promises: what a schema does not say is `Any`, never a guess; each type is defined once in a service, before
another uses it. Leaves the operations to `methods`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jianzhen.pyclient.text import camel, docstring, is_name

Schema = dict[str, Any]
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
REF = "#/components/schemas/"
# A module with more lines is full: the types of the next operation go into another.
FULL = 200


@dataclass
class Shapes:
    """The types of one service. `home` says in which module a type is, `made` holds the text of each."""

    components: dict[str, Schema]
    home: dict[str, str] = field(default_factory=dict)
    made: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def next_module(self, service: str) -> str:
        """Where the types of the next operation go, with all that they need, so that no circle forms."""
        last = list(self.made)[-1] if self.made else service
        is_full = sum(map(len, self.made.get(last, {}).values())) > FULL
        return f"{service}_{len(self.made) + 1}" if is_full else last

    def type_of(self, schema: Schema, hint: str, module: str) -> str:
        """The type's expression; objects on the way are defined in `module`, named after `hint`.

        Worked example: `{"anyOf": [{"type": "string"}, {"type": "null"}]}` is `str | None`.
        """
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(REF)
            return self._named(camel(name), self.components[name], module)
        if "const" in schema or "enum" in schema:
            return f"Literal[{', '.join(repr(one) for one in schema.get('enum', [schema.get('const')]))}]"
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self._either(schema[several], hint, module)
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._either([{**schema, "type": one} for one in kind], hint, module)
        if schema.get("format") == "binary" or "contentMediaType" in schema:
            return "bytes"
        if kind == "array":
            return f"list[{self.type_of(schema.get('items', {}), f'{hint}Item', module)}]"
        if kind == "object":
            return self._object(schema, hint, module)
        return PLAIN.get(kind, "Any") if isinstance(kind, str) else "Any"

    def _either(self, schemas: list[Schema], hint: str, module: str) -> str:
        hints = [hint if len(schemas) == 1 else f"{hint}{n or ''}" for n in range(len(schemas))]
        pairs = zip(schemas, hints, strict=True)
        found = list(dict.fromkeys(self.type_of(one, named, module) for one, named in pairs))
        if "Any" in found:
            return "Any"
        return " | ".join([one for one in found if one != "None"] + ["None"] * ("None" in found))

    def _object(self, schema: Schema, hint: str, module: str) -> str:
        if schema.get("properties"):
            return self._named(hint, schema, module)
        values = schema.get("additionalProperties", True)
        inner = self.type_of(values, f"{hint}Value", module) if isinstance(values, dict) else "Any"
        return f"dict[str, {inner}]"

    def _named(self, name: str, schema: Schema, module: str) -> str:
        if schema.get("type") != "object" or not schema.get("properties"):
            return self.type_of({key: one for key, one in schema.items() if key != "title"}, name, module)
        if name not in self.home:
            self.home[name] = module
            # What it needs is defined on the way, and so before it.
            definition = list(self._definition(name, schema, module))
            self.made.setdefault(module, {})[name] = definition
        return name

    def _definition(self, name: str, schema: Schema, module: str) -> Iterator[str]:
        needed = set(schema.get("required", []))
        fields = {
            key: self._field(one, f"{name}{camel(key)}", module, is_needed=key in needed)
            for key, one in schema["properties"].items()
        }
        if not all(is_name(key) for key in fields):
            inner = ", ".join(f"{key!r}: {one!r}" for key, one in fields.items())
            yield f'{name} = TypedDict("{name}", {{{inner}}})'
            return
        yield f"class {name}(TypedDict):"
        yield from docstring(schema.get("description") or schema.get("title") or name, "    ")
        yield ""
        for key, one in fields.items():
            yield f"    {key}: {one}"
            if said := schema["properties"][key].get("description"):
                yield from docstring(said, "    ")

    def _field(self, schema: Schema, hint: str, module: str, *, is_needed: bool) -> str:
        found = self.type_of(schema, hint, module)
        return found if is_needed else f"NotRequired[{found}]"
