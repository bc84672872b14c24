"""Reads the demonstration city and answers questions about it: sites, factors, who cheats when. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from jianzhen.demo.signals import HOUR, Factor


@dataclass(frozen=True)
class Site:
    """A station or outlet; `door` says how it sends: `logger` over HJ 212, `system` over HTTP."""

    code: str
    kind: str
    element: str
    region: str
    zh: str
    en: str
    lon: float
    lat: float
    uscc: str
    door: str
    st: str
    factors: tuple[Factor, ...]
    mn: str | None = None


@dataclass(frozen=True)
class Window:
    """A span in epoch seconds at one site; `frozen` maps factors to the value shown instead of the truth."""

    site: str
    start: int
    end: int
    frozen: dict[str, float]

    def covers(self, site: str, hour: int) -> bool:
        return site == self.site and self.start <= hour < self.end


@cache
def document() -> dict[str, Any]:
    text = files("jianzhen.demo").joinpath("city.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return loaded


def organisations() -> list[dict[str, str]]:
    return list(document()["organisations"])


@cache
def sites() -> tuple[Site, ...]:
    return tuple(_sites())


def _sites() -> Iterator[Site]:
    for row in document()["sites"]:
        fields = dict(row)
        profile = document()["profiles"][fields.pop("profile")]
        factors = tuple(Factor(**factor) for factor in profile["factors"])
        yield Site(**fields, st=profile["st"], factors=factors)


def site(code: str) -> Site:
    return next(one for one in sites() if one.code == code)


def _window(row: dict[str, Any], now: int, frozen: dict[str, float]) -> Window:
    end = now // HOUR * HOUR - row["ends_before_now"] * HOUR
    return Window(row["site"], end - row["hours"] * HOUR, end, frozen)


def frauds(count: int, now: int) -> list[Window]:
    """The first `count` cheats, placed before epoch second `now`."""
    return [_window(row, now, dict(row["factors"])) for row in document()["frauds"][:count]]


def late_window(now: int) -> Window:
    """Where minutes arrive late; `frozen` is what the hours truly are."""
    row = document()["late"]
    return _window(row, now, dict(row["factors"]))
