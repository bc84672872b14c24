"""What POST /observations takes, as OpenAPI shows it: the body is read from raw bytes, never by a model."""

from typing import Any

from ingest.rules.tables import CSV, XLSX

_ROW = {
    "type": "object",
    "required": ["site", "factor", "time", "value"],
    "properties": {
        "site": {"type": "string", "examples": ["131000-A01"]},
        "factor": {"type": "string", "examples": ["a34004"]},
        "statistic": {"enum": ["rtd", "avg", "min", "max", "cou"], "default": "avg"},
        "basis": {"enum": ["raw", "converted"], "default": "raw"},
        "period": {"enum": ["rtd", "min", "hour", "day"], "default": "hour"},
        "time": {"type": "string", "examples": ["2026-11-21T08:00:00+08:00"]},
        "value": {"type": ["number", "string", "null"], "examples": [12.3]},
        "unit": {"type": "string", "examples": ["ug/m3"]},
        "flag": {"type": "string", "maxLength": 4, "examples": ["N"]},
    },
}
_HEAD = {
    "source": {"type": "string", "maxLength": 64},
    "label": {"enum": ["start", "end"], "default": "start"},
    "historical": {"type": "boolean", "default": False},
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["source", "rows"],
                            "properties": _HEAD | {"rows": {"type": "array", "items": _ROW}},
                        },
                        {
                            "type": "object",
                            "required": ["source", "columns", "data"],
                            "properties": _HEAD
                            | {
                                "columns": {"type": "array", "items": {"type": "string"}},
                                "data": {"type": "array", "items": {"type": "array"}},
                                "dataArray": {"description": "Another spelling of data"},
                            },
                        },
                    ]
                }
            },
            CSV: {"schema": {"type": "string"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
