"""From a template to an answer: language, security headers, validators.

Promises: no page needs a script, a style or a font from elsewhere, and its Content-Security-Policy forbids
them; static files carry their digest in the address and may be kept for good; equal pages have equal ETags.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from portal import texts

STATIC = Path(__file__).parent / "static"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LIVE_SECONDS = 30

environment = Environment(
    loader=PackageLoader("portal"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters |= {
    "day": texts.day,
    "clock": texts.clock,
    "minute": texts.minute,
    "number": texts.number,
    "unit": texts.unit,
}


@cache
def asset(path: str) -> str:
    """The address of a static file, with its digest."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


@cache
def has_chart_library() -> bool:
    """Whether the build step has put the chart library in place; without it the drawn curves stay."""
    return (STATIC / "vendor/uplot/uPlot.iife.min.js").is_file()


def factor_text(name: str) -> Markup:
    """A pollutant's symbol with its digits as subscripts: SO2, NO2, O3, PM2.5."""
    if name in {"PM2.5", "PM10"}:
        return Markup("PM<sub>{}</sub>").format(name[2:])
    return Markup("").join(Markup("<sub>{}</sub>").format(c) if c.isdigit() else c for c in name)


def dates(text: str) -> Markup:
    """A text whose dates do not break at the end of a line."""
    parts = re.split(r"(\d{4}-\d{2}-\d{2})", text)
    kept = Markup('<span class="nowrap">{}</span>')
    return Markup("").join(kept.format(part) if n % 2 else escape(part) for n, part in enumerate(parts))


SYMBOLS = {
    "a21026": "SO2",
    "a21004": "NO2",
    "a21005": "CO",
    "a05024": "O3",
    "a34002": "PM10",
    "a34004": "PM2.5",
}
environment.filters["dates"] = dates
environment.globals |= {
    "asset": asset,
    "symbol": lambda code, name: factor_text(SYMBOLS[code]) if code in SYMBOLS else name,
    "plain_symbol": lambda code, name: SYMBOLS.get(code, name),
    "has_chart_library": has_chart_library,
}


def html(template: str, lang: str, path: str, values: dict[str, Any]) -> str:
    """The page's text. `path` is the address without the language, for the link to the other one."""
    t = texts.translator(lang)
    other = "en" if lang == "zh" else "zh"
    return environment.get_template(template).render(
        t=t,
        other=texts.translator(other),
        lang=lang,
        html_lang=texts.HTML_LANG[lang],
        other_lang=other,
        other_html_lang=texts.HTML_LANG[other],
        path=path,
        pick=lambda row, name: row[f"{name}_{lang}"],
        **values,
    )


def page(
    request: Request, template: str, lang: str, values: dict[str, Any], *, max_age: int = LIVE_SECONDS
) -> Response:
    """A page with its headers, or 304 for a reader who has it."""
    rest = request.url.path.split("/", 2)[2]
    query = f"?{request.url.query}" if request.url.query else ""
    shared = {"public_api": request.app.state.settings.public_api_base}
    body = html(template, lang, rest + query, shared | values).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = SECURITY | {
        "ETag": etag,
        "Cache-Control": f"public, max-age={max_age}",
        "Content-Language": lang,
    }
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/html", headers=headers)


def problem_page(request: Request, status: int, template: str) -> Response:
    """A page in both languages that needs nothing from the API."""
    body = environment.get_template(template).render(zh=texts.translator("zh"), en=texts.translator("en"))
    headers = SECURITY | {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "10"
    return Response(body.encode(), status_code=status, media_type="text/html", headers=headers)
