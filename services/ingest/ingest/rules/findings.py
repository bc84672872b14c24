"""What findings are called in Chinese and English."""

from functools import cache
from importlib.resources import files

import yaml

from ingest.rules.kinds import kinds


@cache
def names() -> dict[str, tuple[str, str]]:
    """Slug → (zh, en), those of the kinds' flags included."""
    text = files("ingest.rules").joinpath("findings.yaml").read_text("utf-8")
    found = {slug: (zh, en) for slug, (zh, en) in yaml.load(text, Loader=yaml.CSafeLoader).items()}
    flags = ((name, flag) for kind in kinds().values() for name, flag in kind.flags.items())
    return {name: (flag.zh, flag.en) for name, flag in flags if flag.finding} | found


def named(slug: str) -> tuple[str, str]:
    """The names of a finding; the slug itself where none is known."""
    return names().get(slug, (slug, slug))
