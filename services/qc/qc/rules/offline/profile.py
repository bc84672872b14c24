"""A profile: which factors such a file may hold, under which names and units, and the rule pack for them.

Promises: the rules are those of the core pack, by the same functions; a profile adds figures for further
factors and periods, and rules of its own (`qc/packs/profiles/*.yaml`). Leaves reading files to the callers.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Literal, get_args

import msgspec
import yaml
from standards import factors, units

from qc.rules import source
from qc.rules.pack import Figures, Rule, RulePack, When, checked, load_pack

ProfileName = Literal["ambient-air", "flue-gas", "waste-water", "surface-water"]
NAMES: tuple[str, ...] = get_args(ProfileName)
BEGINNING = date(2000, 1, 1)
_UNIT_IN_NAME = re.compile(r"^(.*?)\s*[(\[（【]([^()\[\]（）【】]*)[)\]）】]\s*$")
_CODE = re.compile(r"[aw]\d{5}", re.IGNORECASE)


class FactorNames(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What files call a factor beside its code and its names in the dictionary, and its unit there.

    `or_unit` is the unit of a series whose median lies above `above`, where files are known to use both.
    """

    code: str
    unit: str
    names: tuple[str, ...] = ()
    or_unit: str | None = None
    above: float | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One profile. `figures[rule]` are tried before those of the core pack's rule of that id,
    `otherwise[rule]` after them, but before core's figures for whatever is left. A file may be older than the
    platform: rules that are as old as the core pack (BEGINNING) judge values from `since` on.
    """

    id: ProfileName
    title_zh: str
    title_en: str
    site_kind: Literal["station", "outlet"]
    element: str
    minute_step_seconds: int
    since: date
    factors: tuple[FactorNames, ...]
    figures: Mapping[str, tuple[Figures, ...]]
    otherwise: Mapping[str, tuple[Figures, ...]]
    rules: tuple[Rule, ...] = ()

    @cached_property
    def pack(self) -> RulePack:
        """The core rules with this profile's figures before their own, then the profile's own rules."""
        return self.upon(load_pack())

    def upon(self, core: RulePack) -> RulePack:
        """The same upon core rules that are given; ValueError names what does not fit them."""
        widened = [
            msgspec.structs.replace(
                rule, parameters=self._widened(rule), valid_from=self._since(rule.valid_from)
            )
            for rule in core.rules
        ]
        unknown = {*self.figures, *self.otherwise} - {rule.id for rule in core.rules}
        if unknown:
            raise ValueError(f"profile {self.id}: figures for unknown rules {', '.join(sorted(unknown))}")
        whole = (*widened, *self.rules)
        return checked(
            msgspec.structs.replace(
                core, id=self.id, title_zh=self.title_zh, title_en=self.title_en, rules=whole
            )
        )

    def _since(self, day: date) -> date:
        return self.since if day == BEGINNING else day

    def _widened(self, rule: Rule) -> tuple[Figures, ...]:
        special = [entry for entry in rule.parameters if entry.when != When()]
        left = [entry for entry in rule.parameters if entry.when == When()]
        return (*self.figures.get(rule.id, ()), *special, *self.otherwise.get(rule.id, ()), *left)

    @cached_property
    def spellings(self) -> dict[str, FactorNames]:
        """Factor by any of its names, folded."""
        found: dict[str, FactorNames] = {}
        for known in self.factors:
            entry = factors.find(known.code)
            told = () if entry is None else (entry.zh, entry.en)
            for name in (known.code, *known.names, *told):
                found.setdefault(folded(name), known)
        for code, entry in factors.every().items():
            plain = FactorNames(code=code, unit=entry.published(self.element)[0])
            for name in (code, entry.zh, entry.en):
                found.setdefault(folded(name), plain)
        return found

    def factor_of(self, name: str) -> tuple[FactorNames | None, str | None]:
        """The factor that a column or series name means, and the unit written behind it (UCUM), if any.

        Worked example: `PM2.5(μg/m³)` → (a34004, `ug/m3`); `a34004-Avg` → (a34004, None).
        """
        unit = None
        known = self.spellings.get(folded(name))
        if known is None and (parts := _UNIT_IN_NAME.match(name)):
            known, unit = self.spellings.get(folded(parts[1])), units.ucum(parts[2])
        if known is None and (code := _CODE.match(name.strip())):
            known = self.spellings.get(folded(code[0]))
        return known, unit


def folded(name: str) -> str:
    """A name without case, blanks and joining marks: `NH3-N` and `nh3_n` are one."""
    plain = name.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉．（）", "0123456789.()"))
    return re.sub(r"[\s_\-·]+", "", plain).casefold()


def load_profile(name: str) -> Profile:
    """The profile of that name; ValueError names what is wrong."""
    if name not in NAMES:
        raise ValueError(f"there is no profile '{name}'; there are: {', '.join(NAMES)}")
    try:
        return msgspec.convert(
            yaml.load(source.text(f"profiles/{name}.yaml"), Loader=yaml.CSafeLoader), Profile
        )
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"profile {name}: {error}") from error
