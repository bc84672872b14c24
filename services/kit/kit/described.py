"""The refusals of every route in its OpenAPI document, so that a client is told of each status it may get.

Promises: what `kit.problems` and `kit.auth` answer is declared once, here, by what a route is: guarded, with
a place in its path, writing. Leaves what only one route answers (a 405, a 410) to its `responses`.
"""

from typing import Any

from fastapi import FastAPI

from kit import problems

TITLES = {
    kind.status: kind.title
    for kind in problems.Problem.__subclasses__()
    if kind.__module__ == problems.__name__ and hasattr(kind, "title")
} | {
    405: "Method not allowed 方法不允许",
    412: "Changed meanwhile 已被他人修改",
    428: "If-Match required 须带 If-Match",
}
PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457 问题文档",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
READING = {422, 429, 503}
WRITING = READING | {400, 404, 408, 409, 413}


def also(*media: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers in these forms, too.

    Worked example: `@router.get("/refusals", responses=also("text/csv"))`.
    """
    return {200: {"content": {form: {"schema": {"type": "string"}} for form in media}}}


# For a route that may find nothing, with no name in its path: what its query names, or a log that is empty.
NAMED: dict[int | str, dict[str, Any]] = {404: {"description": TITLES[404]}}

# For a route that changes only what says which version it changes.
STRICT: dict[int | str, dict[str, Any]] = {428: {"description": TITLES[428]}}


def refusals(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """Worked example: a guarded `GET /leads` may be 401, 403, 422, 429 or 503."""
    found = READING if method == "get" else WRITING
    if any(one["name"] == "If-Match" for one in operation.get("parameters", ())):
        found = found | {412}
    return found | ({401, 403} if "security" in operation else set()) | ({404} if "{" in path else set())


def _add(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            wanted = refusals(path, method, operation) | {int(code) for code in answers if code[0] == "4"}
            for status in sorted(wanted):
                known = answers.get(str(status), {}) if status != 422 else {}
                answers[str(status)] = {"description": TITLES[status], "content": CONTENT} | known
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)


def describe(app: FastAPI) -> None:
    """Makes the document of `app` tell its refusals, too."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _add(made())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
