"""Names and wrapped texts of generated Python, which must pass the same checks as what is written by hand."""

import keyword
import re
import unicodedata
from collections.abc import Iterator

WIDTH = 100
_WORD = re.compile(r"[^0-9A-Za-z]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Worked example: `snake("asOf") == "as_of"`, `snake("If-Match") == "if_match"`."""
    made = _WORD.sub("_", _HUMP.sub("_", name)).strip("_").lower()
    return f"{made}_" if keyword.iskeyword(made) else made


def camel(name: str) -> str:
    """Worked example: `camel("registry files 登记表") == "RegistryFiles"`."""
    return "".join(part[:1].upper() + part[1:] for part in _WORD.split(_HUMP.sub("_", name)) if part)


def is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def docstring(text: str, indent: str) -> list[str]:
    """The lines of a docstring, wrapped by what is seen: a Chinese character is two wide."""
    told = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", told):
        lines += [""] * bool(lines) + list(_wrapped(" ".join(paragraph.split()), WIDTH - len(indent)))
    if len(lines) == 1 and _wide(lines[0]) + 6 < WIDTH - len(indent):
        return [f'{indent}"""{lines[0]}{" " * lines[0].endswith(chr(34))}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:]), f'{indent}"""']


def _wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in re.findall(r"\s*(?:[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+)", text):
        if line and _wide(line + word) > width:
            yield line.strip()
            line = word.lstrip()
        else:
            line += word
    yield line.strip()
