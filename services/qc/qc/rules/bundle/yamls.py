"""YAML from strangers: its size, depth and aliases are known before anything is built of it.

Promises: takes time and memory in proportion to the text, whatever it says; a key that stands twice, a number
that is none and an alias that grows are problems with a line. Leaves meaning to `schema`.
"""

import math
from dataclasses import dataclass
from typing import Any

import yaml

# The packaged files have at most some 2,500 nodes, 8 deep, in 20 kB.
MOST_TEXT, MOST_NODES, MOST_DEPTH = 256 * 1024, 60_000, 24
# The C parser where there is one: the same grammar, a tenth of the time.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Step = str | int


class Flawed(ValueError):
    """What is wrong with a text, and on which line (1 is the first, 0: of the whole)."""

    def __init__(self, line: int, zh: str, en: str) -> None:
        super().__init__(en)
        self.line, self.zh, self.en = line, zh, en


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says, and where: `node` knows the line of every part."""

    content: Any
    node: Any

    def line(self, path: tuple[Step, ...]) -> int:
        """The line of the part a path leads to, of its parent where the path ends early.

        Worked example: path ("rules", 2, "severity") of core.yaml → the line of that word's value.
        """
        node = self.node
        for step in path:
            found = _inner(node, step)
            if found is None:
                break
            node = found
        return int(node.start_mark.line) + 1


def document(text: str) -> Document:
    """The content and its places. Flawed for anything a rule file may not be."""
    if len(text) > MOST_TEXT:
        raise Flawed(0, f"文件超过 {MOST_TEXT:,} 字", f"the file has more than {MOST_TEXT:,} characters")
    try:
        _measure(text)
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 the safe loader, in C where there is one
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        raise Flawed(
            mark.line + 1 if mark else 0, f"不是 YAML：{wrong.problem}", f"no YAML: {wrong.problem}"
        ) from None
    except (yaml.YAMLError, ValueError, OverflowError) as wrong:
        if isinstance(wrong, Flawed):
            raise
        said = str(wrong).splitlines()[0][:200] if str(wrong) else type(wrong).__name__
        raise Flawed(0, f"不是 YAML：{said}", f"no YAML: {said}") from None
    if node is None:
        raise Flawed(0, "文件为空", "the file is empty")
    _no_repeats(node)
    _only_numbers(content, node)
    return Document(content, node)


def _measure(text: str) -> None:
    """Count nodes as they will be with every alias written out, before anything is made of them."""
    of_anchor: dict[str, int] = {}
    begun: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(text, Loader=_Loader):
        mark: Any = event.start_mark
        line = mark.line + 1
        if isinstance(event, yaml.CollectionStartEvent):
            begun.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = begun.pop()
            of_anchor |= {anchor: count - before} if anchor else {}
        elif isinstance(event, yaml.NodeEvent):
            count += _size(event, line, of_anchor)
        if count > MOST_NODES:
            zh, en = f"展开后超过 {MOST_NODES:,} 项", f"more than {MOST_NODES:,} parts, aliases written out"
            raise Flawed(line, zh, en)
        if len(begun) > MOST_DEPTH:
            raise Flawed(line, f"嵌套超过 {MOST_DEPTH} 层", f"more than {MOST_DEPTH} levels deep")


def _size(event: Any, line: int, of_anchor: dict[str, int]) -> int:
    """How many nodes a scalar or an alias will be; remembers the scalar's anchor."""
    if isinstance(event, yaml.ScalarEvent):
        of_anchor |= {event.anchor: 1} if event.anchor else {}
        return 1
    if event.anchor not in of_anchor:
        zh, en = f"别名 *{event.anchor} 没有完整的锚点", f"*{event.anchor} has no complete anchor"
        raise Flawed(line, zh, en)
    return of_anchor[event.anchor]


def _no_repeats(root: Any) -> None:
    """Of a key that stands twice YAML would silently take the last."""
    left, seen = [root], set[int]()
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left += node.value
        elif isinstance(node, yaml.MappingNode):
            names = set[str]()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in names:
                        line = key.start_mark.line + 1
                        raise Flawed(line, f"“{key.value[:40]}”出现两次", f"`{key.value[:40]}` stands twice")
                    names.add(key.value)
                left += [key, value]


def _only_numbers(content: Any, node: Any) -> None:
    """A threshold that is not a number compares with nothing: such a rule would never speak."""
    left: list[tuple[Any, tuple[Step, ...]]] = [(content, ())]
    while left:
        part, path = left.pop()
        if isinstance(part, float) and not math.isfinite(part):
            line = Document(content, node).line(path)
            raise Flawed(line, f"{part} 不是数", f"{part} is no number")
        if isinstance(part, dict):
            left += [(value, (*path, key)) for key, value in part.items()]
        elif isinstance(part, list):
            left += [(value, (*path, at)) for at, value in enumerate(part)]


def _inner(node: Any, step: Step) -> Any:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        found = [value for key, value in node.value if key.value == step]
        merged = [value for key, value in node.value if key.value == "<<"]
        return found[0] if found else next((at for m in merged if (at := _inner(m, step)) is not None), None)
    return None
