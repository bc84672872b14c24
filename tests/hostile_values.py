"""Values that no interface means and every sender may send, in each place of a request by turns.

Promises: a request that fits is changed in one place alone, so that what is behind the form meets it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

# As they stand in an address.
IN_ADDRESS = (
    *("%00", "a%00b", "%FF", "%ED%A0%80", "%C0%AE", "%F0%9F%98%80", "%E2%80%AE", "%0D%0A", "%25%00"),
    *(
        "9" * 19,
        "9" * 30,
        "9" * 5000,
        "-1",
        "-" + "9" * 30,
        "1e400",
        "NaN",
        "-0",
        "0x10",
        "1_000",
        "%EF%BC%91",
    ),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999%2B14:00", "2026-02-30", "2026-11-20T24:00:00Z"),
    *("24:00", "T", "00000000-0000-0000-0000-000000000000", "%27%20OR%20%271%27=%271", "%7B%7D", "[]", "*"),
    *("a" * 3000, "%E4%BD%A0" * 500),
)
# As they stand in a JSON text; "\\ud800" is half of a pair.
IN_BODY = (
    *('"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u202e"', "null", "true", "[]", "{}"),
    *("9" * 19, "9" * 30, "-" + "9" * 30, "1e999", "-1e999", "1e-999", "-0.0", "NaN", "-Infinity", '""'),
    *('"9999-12-31T23:59:59.999999+14:00"', '"0001-01-01T00:00:00Z"', '"2026-02-30"', '"NaN"', '"1e999"'),
    *('["\\u0000"]', '{"\\u0000":"\\ud800"}', "[" * 500 + "]" * 500, json.dumps("你" * 20_000)),
)
WHOLE_BODIES = (
    *(b"", b"{", b"\xff\xfe", b"null", b"7", b"[]", b"[[]]", b'"a"', b"{}", b'{"":1}', b"\xef\xbb\xbf{}"),
    *(b"[" * 100_000 + b"]" * 100_000, b"9" * 5000, b'{"a":' + b"9" * 5000 + b"}", b"\x00", b'{"a":1,"a":2}'),
)


@dataclass(frozen=True)
class Hostile:
    """A request: where it goes, and its body if it has one."""

    target: str
    body: bytes | None = None


def _target(template: str, path: dict[str, str], query: dict[str, str]) -> str:
    for name, value in path.items():
        template = template.replace("{" + name + "}", value)
    return template + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")


def _changed(body: dict[str, Any]) -> Iterator[bytes]:
    """The object with one of its values replaced, each value by each."""
    for name in body:
        for value in IN_BODY:
            cells = (
                f"{json.dumps(key)}:{value if key == name else json.dumps(cell)}"
                for key, cell in body.items()
            )
            yield ("{" + ",".join(cells) + "}").encode()


def hostile(template: str, path: dict[str, Any], query: dict[str, Any], body: Any) -> Iterator[Hostile]:
    """Every change of one place of a request that fits. `query` holds all that the route knows."""
    good = {name: quote(str(value), safe="") for name, value in path.items()}
    asked = {name: urlencode({"": value})[1:] for name, value in query.items() if value is not None}
    sent = json.dumps(body).encode() if body is not None else None
    for name in good:
        for value in IN_ADDRESS:
            yield Hostile(_target(template, good | {name: value}, asked), sent)
    for name in query:
        for value in IN_ADDRESS:
            yield Hostile(_target(template, good, asked | {quote(name): value}), sent)
    if sent is not None:
        for content in WHOLE_BODIES:
            yield Hostile(_target(template, good, asked), content)
        for content in _changed(body) if isinstance(body, dict) else ():
            yield Hostile(_target(template, good, asked), content)
