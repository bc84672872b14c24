"""The generated files of the client: `models` of each service, `api` of each group of a service's operations.

Promises: the same interfaces give the same bytes (ruff, which is locked, lays them out). Leaves the
hand-written part (transport, credentials, problems) alone.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jianzhen.pyclient.interfaces import Document, documents
from jianzhen.pyclient.methods import Operation, method, name_of
from jianzhen.pyclient.shapes import Shapes
from jianzhen.pyclient.text import camel, snake
from jianzhen.state import ROOT

PACKAGE = ROOT / "clients/python/jianzhen_client"
NOTE = "Made by `make docs`: do not edit."
VERBS = ("get", "put", "post", "patch", "delete")
# So many operations fit into a file whatever they say; fewer than a few do not get one of their own.
MOST, FEW = 10, 3


def wanted() -> dict[Path, str]:
    """Every generated file with its text."""
    files: dict[str, str] = {}
    services: dict[str, list[str]] = {}
    for service, document in documents().items():
        shapes = Shapes(document.get("components", {}).get("schemas", {}))
        for module, operations in _modules(service, document):
            methods = [method(one, shapes, shapes.next_module(service)) for one in operations]
            files[f"api/{module}.py"] = _api(module, methods, shapes)
            services.setdefault(service, []).append(module)
        files |= {f"models/{module}.py": _models(module, shapes) for module in shapes.made}
    files["api/__init__.py"] = _services(services)
    files["models/__init__.py"] = f'"""Bodies and answers, by service and group. {NOTE}"""\n'
    return {PACKAGE / name: text for name, text in _laid_out(files).items()}


def present() -> set[Path]:
    """The generated files that are there."""
    return {path for folder in ("api", "models") for path in (PACKAGE / folder).glob("*.py")}


def operations_of(service: str, document: Document) -> list[Operation]:
    """Every operation of the service, in the order of its document; one name each."""
    found: dict[str, Operation] = {}
    for path, item in document["paths"].items():
        for verb, said in item.items():
            if verb in VERBS:
                name = name_of(path, verb, said)
                if name in found:
                    name += "_" + snake(path.rpartition("/")[2])
                found[name] = Operation(service, verb, path, said, name)
    return list(found.values())


def _modules(service: str, document: Document) -> Iterator[tuple[str, list[Operation]]]:
    """Operations by module: those of a group, a long group in parts, small groups together."""
    groups: dict[str, list[Operation]] = {}
    for one in operations_of(service, document):
        groups.setdefault(one.group, []).append(one)
    small = [group for group, found in groups.items() if len(found) < FEW]
    groups["More"] = [one for group in small for one in groups.pop(group)]
    for group, found in groups.items():
        for part, begin in enumerate(range(0, len(found), MOST), start=1):
            behind = f"_{part}" if part > 1 else ""
            yield f"{service}_{snake(group)}{behind}", found[begin : begin + MOST]


def _api(module: str, methods: list[list[str]], shapes: Shapes) -> str:
    body = "\n\n".join("\n".join(lines) for lines in methods)
    return f'''"""Operations of {module.replace("_", " ")}. {NOTE}"""

from collections.abc import Iterator
from typing import Any, Literal

{_imports(body, shapes, "")}
from jianzhen_client.transport import Call, Group


class {camel(module)}(Group):
    """Operations of {module.replace("_", " ")}; see `Client`."""

{body}
'''


def _models(module: str, shapes: Shapes) -> str:
    body = "\n\n\n".join("\n".join(lines) for lines in shapes.made[module].values())
    return f'''"""Bodies and answers of {module.replace("_", " ")}. {NOTE}"""

from typing import Any, Literal, NotRequired, TypedDict

{_imports(body, shapes, module)}

{body}
'''


def _imports(body: str, shapes: Shapes, own: str) -> str:
    """What the text uses of the service's types that are defined elsewhere."""
    used = set(re.findall(r"\b[A-Z]\w+\b", body))
    homes: dict[str, list[str]] = {}
    for name in sorted(used & set(shapes.home)):
        homes.setdefault(shapes.home[name], []).append(name)
    lines = [
        f"from jianzhen_client.models.{home} import {', '.join(names)}"
        for home, names in homes.items()
        if home != own
    ]
    return "\n".join(lines)


def _services(services: dict[str, list[str]]) -> str:
    imports = [
        f"from jianzhen_client.api.{module} import {camel(module)}"
        for modules in services.values()
        for module in modules
    ]
    classes = [
        f"class {camel(service)}({', '.join(camel(module) for module in modules)}):\n"
        f'    """All operations of the service `{service}`."""\n'
        for service, modules in services.items()
    ]
    made = [f"        self.{service} = {camel(service)}(transport)" for service in services]
    body = "\n\n".join(classes)
    opening = "\n".join(made)
    return f'''"""The services with all their operations. {NOTE}"""

{chr(10).join(imports)}
from jianzhen_client.transport import Transport


{body}

class Services:
    """One attribute for each service."""

    def __init__(self, transport: Transport) -> None:
{opening}
'''


def _laid_out(files: dict[str, str]) -> dict[str, str]:
    """The same files as ruff leaves them: without imports that nothing uses, laid out like the others."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / PACKAGE.name
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        ruff = [sys.executable, "-m", "ruff"]
        given = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "-q", str(root)]
        mending = [*ruff, "check", "--fix", "--exit-zero", "--select", "I,F401", *given]
        subprocess.run(mending, check=True)
        subprocess.run([*ruff, "format", *given], check=True)
        return {name: (root / name).read_text(encoding="utf-8") for name in files}
