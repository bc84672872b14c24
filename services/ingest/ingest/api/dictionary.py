"""The dictionaries everybody may read: factors, units, elements, regions, kinds of records, dated rules.

Promises: no token is needed; names come in Chinese and English; what is dated carries its source.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from kit.auth import allow
from kit.problems import NotFound
from standards import factors, units
from standards.tables import rows

from ingest.api.edge import On
from ingest.rules import kinds as registry_kinds
from ingest.rules import network
from ingest.rules.times import CHINA

router = APIRouter(tags=["dictionary 字典"], dependencies=[Depends(allow("dictionary", "read"))])


def _factors(day: date) -> list[dict[str, Any]]:
    return [
        {
            "code": one.code,
            "zh": one.zh,
            "en": one.en,
            "element": one.element,
            "unit": one.unit,
            "decimals": one.decimals,
            "source": one.source,
        }
        for one in factors.every().values()
    ]


def _units(day: date) -> list[dict[str, Any]]:
    return [
        {"code": row["ucum"], "text": units.text(row["ucum"]), "measures": row["dimension"]}
        for row in rows("units")
    ]


def _regions(day: date) -> list[dict[str, Any]]:
    return [dict(row) for row in rows("regions")]


def _systems(day: date) -> list[dict[str, Any]]:
    return [dict(row) for row in rows("systems")]


def _kinds(day: date) -> list[dict[str, Any]]:
    return [
        msgspec.to_builtins(kind) | {"path": f"/registry/{kind.book}/{kind.name}"}
        for kind in registry_kinds.kinds().values()
    ]


def _rules(day: date) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(one) for one in registry_kinds.on(day)]


def _listed(name: str) -> Callable[[date], list[dict[str, Any]]]:
    return lambda day: [{"code": code, **one} for code, one in network.lists()[name].items()]


DICTIONARIES: dict[str, tuple[str, str, Callable[[date], list[dict[str, Any]]]]] = {
    "factors": ("监测因子", "Factors", _factors),
    "units": ("计量单位", "Units of measure", _units),
    "regions": ("行政区划", "Regions", _regions),
    "systems": ("系统编码", "System codes of HJ 212", _systems),
    "kinds": ("登记类别及字段", "Kinds of records and their fields", _kinds),
    "rules": ("登记规则（含保存期限、时限）", "Dated rules: retention, clocks, tolerances", _rules),
    **{
        name: (zh, en, _listed(name))
        for name, zh, en in (
            ("elements", "监测要素", "Elements"),
            ("levels", "点位级别与事权", "Levels of points and their authorities"),
            ("categories", "全覆盖类别", "Coverage categories"),
            ("subjects", "自行监测主体类型", "Self-monitoring subjects"),
            ("sources", "污染源类型", "Types of sources"),
        )
    },
}


@router.get("/dictionary")
async def list_dictionaries() -> Any:
    """Which dictionaries there are 字典目录."""
    items = [{"name": name, "zh": zh, "en": en} for name, (zh, en, _) in DICTIONARIES.items()]
    return {"items": items, "next": None}


@router.get("/dictionary/{name}")
async def show_dictionary(name: str, on: On = None) -> Any:
    """One dictionary, whole 字典内容. `on` gives the rules in force on that day."""
    if name not in DICTIONARIES:
        raise NotFound("unknown-dictionary", f"{name} is none of {', '.join(DICTIONARIES)} 无此字典")
    zh, en, made = DICTIONARIES[name]
    return {"name": name, "zh": zh, "en": en, "items": made(on or datetime.now(CHINA).date()), "next": None}
