"""Resource paths of SensorThings (18-088 §9.2), followed from entity to entity.

Promises: each step is one that the entity before has, within reach; else NotFound. Leaves what is at the end
to `sta`.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from kit.problems import NotFound

from ingest.api.sta_reader import Level, Reader
from ingest.queries import sta
from ingest.rules.sta_query import RELATED, Entity, Options, entity_of

SINGLE = frozenset({"Thing", "Sensor", "ObservedProperty", "Datastream", "FeatureOfInterest"})
_STEP = re.compile(r"(\w+)(?:\((?:'((?:[^']|'')+)'|(\d{1,18}))\))?", re.ASCII)


class Path(NamedTuple):
    """The last entity (or set), then a navigation or attribute of it if named; `form` is $ref or $value."""

    which: Entity
    navigation: str | None = None
    attribute: str | None = None
    form: str | None = None

    @property
    def target(self) -> str:
        """The collection that the end of the path is of."""
        return RELATED[self.which.collection][self.navigation] if self.navigation else self.which.collection


async def follow(reader: Reader, segments: Sequence[str]) -> Path:
    """Where a path leads. Raises NotFound, BadQuery.

    Worked example: `Things('131000-A01')`, `Datastreams(12)`, `name`, `$value` is the value of a property of
    Datastream 12, if it is one of that Thing.
    """
    which, steps = entity_of(segments[0]), list(segments[1:])
    form = steps.pop() if steps and steps[-1] in ("$ref", "$value") else None
    while steps:
        step = _STEP.fullmatch(steps.pop(0))
        if step is None or which.id is None:
            raise _nowhere(which.collection, segments)
        name, id = step[1], step[2].replace("''", "'") if step[2] else step[3]
        if name not in RELATED[which.collection]:
            if steps or id is not None:
                raise _nowhere(which.collection, segments)
            return Path(which, attribute=name, form=form)
        if not steps and id is None:
            return Path(which, name, form=form)
        which = await _related(reader, which, name, id)
    return Path(which, form=form)


async def level_of(reader: Reader, path: Path) -> Level:
    """Which entities of the target are meant. Raises NotFound for those of an entity that is not there."""
    which, navigation = path.which, path.navigation
    if navigation is None or which.id is None:
        return Level()
    if which.collection in ("Datastreams", "Observations"):
        of = await reader.series(which.id.partition(".")[0])
        keys = {
            "Thing": (of.site,),
            "FeatureOfInterest": (of.site,),
            "Sensor": (of.site, of.source),
            "ObservedProperty": (of.factor,),
        }
        return Level(keys=[keys.get(navigation, (of.id,))])
    if which.collection == "HistoricalLocations":
        place = await reader.place(which.id)
        return Level(keys=[(place.site,) if navigation == "Thing" else sta.place_key(place)])
    await reader.one(which, Options())
    key = sta.key_of(which.collection, which.id)
    keys_above = [] if key is None else [key]
    if navigation in ("Datastreams", "HistoricalLocations"):
        return Level(below=sta.Below(which.collection, keys_above))
    # Nothing stands any more at a place that was left.
    return Level(keys=[key for key in keys_above if len(key) == 1])


async def _related(reader: Reader, which: Entity, name: str, id: str | None) -> Entity:
    """The one entity at a step. Raises NotFound."""
    path = Path(which, name)
    if (id is None) is not (name in SINGLE):
        raise _nowhere(which.collection, [name])
    if path.target == "Observations":
        of = await reader.series(str(id).partition(".")[0])
        if which.id not in (str(of.id), of.site):
            raise _nowhere(which.collection, [name])
        return Entity("Observations", id)
    asked = Options(top=1)
    asked.filter.id = id
    found: list[dict[str, Any]] = await reader.level(path.target, asked, await level_of(reader, path))
    if not found:
        raise _nowhere(which.collection, [name])
    return Entity(path.target, str(found[0]["@iot.id"]))


def _nowhere(collection: str, segments: Sequence[str]) -> NotFound:
    return NotFound("unknown-navigation", f"{collection} have no {segments[-1][:40]} here 无此导航")
