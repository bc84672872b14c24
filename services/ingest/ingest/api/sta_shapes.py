"""How SensorThings entities look in JSON, with their links.

Promises: `@iot.id` and `@iot.selfLink` stay even when not selected, since the next link needs them.
"""

from collections.abc import Sequence
from typing import Any

from standards import factors, units

from ingest.api.reading import utc
from ingest.flows.recorded import MODES
from ingest.queries.reading import received_at
from ingest.queries.sta import Key, id_of
from ingest.rules.sta_query import RELATED, Options
from ingest.rules.times import SECOND, micros, moment
from ingest.tables import SeriesRow, SiteRow

_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_ENTITIES = (
    "thing",
    "location",
    "historical-location",
    "datastream",
    "sensor",
    "observed-property",
    "observation",
    "feature-of-interest",
)
# Those that are met as a whole; `docs/sensorthings.md` lists the others too, and a test walks through all.
CONFORMANCE = (
    "datamodel/entity-control-information/common-control-information",
    *(f"datamodel/{name}/{what}" for name in _ENTITIES for what in ("properties", "relations")),
    "resource-path/resource-path-to-entities",
    "request-data/order",
    "request-data/expand",
    "request-data/select",
    "request-data/status-code",
    "request-data/query-status-code",
    "request-data/top",
    "request-data/skip",
    "request-data/pagination",
    "data-array/data-array",
)
COMPONENTS = ("id", "phenomenonTime", "result", "resultTime", "parameters")


def service_document(base: str) -> dict[str, Any]:
    """The entity sets and the requirements met (18-088 §9.2.1)."""
    return {
        "value": [{"name": name, "url": f"{base}/{name}"} for name in RELATED],
        "serverSettings": {
            "conformance": [f"{_SPEC}/{one}" for one in CONFORMANCE],
            f"{_SPEC}/data-array/data-array": {"endpoints": [f"{base}/CreateObservations"]},
        },
    }


def path_of(collection: str, id: Any) -> str:
    """Worked example: 12 of `Datastreams` is `Datastreams(12)`, a text is quoted: `Things('131000-A01')`."""
    text = str(id) if isinstance(id, int) else "'" + str(id).replace("'", "''") + "'"
    return f"{collection}({text})"


class Shapes:
    """Entities below one base address."""

    def __init__(self, base: str) -> None:
        self._base = base

    def link(self, path: str) -> str:
        return f"{self._base}/{path}"

    def thing(self, row: SiteRow) -> dict[str, Any]:
        """A station or outlet."""
        me = self.link(path_of("Things", row.code))
        names = ("kind", "element", "region", "name_zh", "name_en", "dept", "uscc", "is_assessed")
        properties = {name: getattr(row, name) for name in names}
        if row.longitude is not None and row.latitude is not None:
            properties["location"] = {"type": "Point", "coordinates": [row.longitude, row.latitude]}
        return {
            "@iot.id": row.code,
            "@iot.selfLink": me,
            "name": row.name_en,
            "description": f"{row.name_zh} {row.name_en}",
            "properties": properties,
            "Datastreams@iot.navigationLink": f"{me}/Datastreams",
            "Locations@iot.navigationLink": f"{me}/Locations",
            "HistoricalLocations@iot.navigationLink": f"{me}/HistoricalLocations",
        }

    def location(self, key: Key, row: SiteRow, point: tuple[float, float]) -> dict[str, Any]:
        """Where a station or outlet stands, or stood, in WGS 84."""
        me = self.link(path_of("Locations", id_of(key)))
        return {
            "@iot.id": id_of(key),
            "@iot.selfLink": me,
            "name": row.name_en,
            "description": f"{row.name_zh} {row.name_en}",
            "encodingType": "application/geo+json",
            "location": {"type": "Point", "coordinates": list(point)},
            "Things@iot.navigationLink": f"{me}/Things",
            "HistoricalLocations@iot.navigationLink": f"{me}/HistoricalLocations",
        }

    def historical_location(self, place: Any) -> dict[str, Any]:
        """From when a station or outlet stood somewhere, as the register was told."""
        me = self.link(path_of("HistoricalLocations", place.change))
        return {
            "@iot.id": place.change,
            "@iot.selfLink": me,
            "time": _zulu(place.since),
            "Thing@iot.navigationLink": f"{me}/Thing",
            "Locations@iot.navigationLink": f"{me}/Locations",
        }

    def feature(self, row: SiteRow) -> dict[str, Any]:
        """What a site observes: the air, water … at its point; without a point where none is registered."""
        me = self.link(path_of("FeaturesOfInterest", row.code))
        has_point = row.longitude is not None and row.latitude is not None
        point = {"type": "Point", "coordinates": [row.longitude, row.latitude]} if has_point else None
        about = {"element": row.element, "kind": row.kind, "region": row.region}
        return {
            "@iot.id": row.code,
            "@iot.selfLink": me,
            "name": row.name_en,
            "description": f"{row.name_zh} {row.name_en}",
            "encodingType": "application/geo+json",
            "feature": {"type": "Feature", "geometry": point, "properties": about},
            "Observations@iot.navigationLink": f"{me}/Observations",
        }

    def sensor(self, key: Key, devices: Sequence[Any]) -> dict[str, Any]:
        """What measures: one source of a site, with the loggers that are registered for it."""
        site, source = key
        me = self.link(path_of("Sensors", id_of(key)))
        names = ("mn", "vendor", "model", "certificate_no", "instruments")
        known = [{name: getattr(row, name) for name in names} for row in devices]
        for one, row in zip(known, devices, strict=True):
            one["certificate_to"] = row.certificate_to.isoformat() if row.certificate_to else None
        return {
            "@iot.id": id_of(key),
            "@iot.selfLink": me,
            "name": f"{site} {source}",
            "description": f"{site} {source}",
            "encodingType": "application/json",
            "metadata": {"devices": known},
            "properties": {"site": site, "source": source},
            "Datastreams@iot.navigationLink": f"{me}/Datastreams",
        }

    def observed_property(self, key: Key) -> dict[str, Any]:
        """A factor of the dictionary (HJ 212-2017 Appendix B)."""
        (code,) = key
        me, factor = self.link(path_of("ObservedProperties", code)), factors.find(code)
        return {
            "@iot.id": code,
            "@iot.selfLink": me,
            "name": factor.en if factor else code,
            "definition": f"hj212:{code}",
            "description": f"{factor.zh} {factor.en}, {factor.source}" if factor else code,
            "properties": {"factor": code, "name_zh": factor.zh if factor else code},
            "Datastreams@iot.navigationLink": f"{me}/Datastreams",
        }

    def datastream(self, row: SeriesRow) -> dict[str, Any]:
        """A series."""
        me, factor = self.link(f"Datastreams({row.id})"), factors.find(row.factor)
        kind = f"{row.statistic} {row.basis} {row.period} {row.source}"
        names = ("site", "factor", "statistic", "basis", "period", "source", "decimals")
        return {
            "@iot.id": row.id,
            "@iot.selfLink": me,
            "name": f"{factor.en if factor else row.factor} {kind}",
            "description": f"{factor.zh if factor else row.factor} {kind}",
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "unitOfMeasurement": {
                "name": units.text(row.unit),
                "symbol": units.text(row.unit),
                "definition": f"ucum:{row.unit}",
            },
            "properties": {name: getattr(row, name) for name in names},
            "Thing@iot.navigationLink": f"{me}/Thing",
            "Sensor@iot.navigationLink": f"{me}/Sensor",
            "ObservedProperty@iot.navigationLink": f"{me}/ObservedProperty",
            "Observations@iot.navigationLink": f"{me}/Observations",
        }

    def observation(self, row: Any, series: SeriesRow) -> dict[str, Any]:
        """A value: the instant, or the period it is of."""
        start = micros(row.ts)
        me = self.link(f"Observations('{series.id}.{start}')")
        time = _zulu(row.ts)
        if series.period != "rtd" and series.period_seconds:
            time += "/" + _zulu(moment(start + series.period_seconds * SECOND))
        return {
            "@iot.id": f"{series.id}.{start}",
            "@iot.selfLink": me,
            "phenomenonTime": time,
            "result": row.value,
            "resultTime": _zulu(received_at(row.submission)),
            "parameters": {
                "flag": row.flag,
                "mode": MODES[row.mode],
                "decimals": row.decimals,
                "submission": str(row.submission),
                "row": row.row_no,
            },
            "Datastream@iot.navigationLink": f"{me}/Datastream",
            "FeatureOfInterest@iot.navigationLink": f"{me}/FeatureOfInterest",
        }

    @staticmethod
    def selected(shown: list[dict[str, Any]], asked: Options) -> list[dict[str, Any]]:
        """Only what $select names, what is expanded, and the ids."""
        if not asked.select:
            return shown
        names = {"@iot.id", "@iot.selfLink", *asked.select, *asked.expand}
        names |= {f"{name}@iot.nextLink" for name in asked.expand}
        return [{name: one[name] for name in one if name in names} for one in shown]

    @staticmethod
    def as_array(body: dict[str, Any], base: str) -> dict[str, Any]:
        """The same page as a dataArray (18-088 §12): one part for each Datastream."""
        rows: Sequence[dict[str, Any]] = body["value"]
        names = [name for name in COMPONENTS if name == "id" or all(name in one for one in rows)]
        parts: dict[str, list[list[Any]]] = {}
        for one in rows:
            series = str(one["@iot.id"]).partition(".")[0]
            cells = [one["@iot.id" if name == "id" else name] for name in names]
            parts.setdefault(series, []).append(cells)
        value = [
            {
                "Datastream@iot.navigationLink": f"{base}/Datastreams({series})",
                "components": names,
                "dataArray@iot.count": len(cells),
                "dataArray": cells,
            }
            for series, cells in parts.items()
        ]
        return {**body, "value": value}


def _zulu(moment: Any) -> str:
    return utc(moment).replace("+00:00", "Z")
