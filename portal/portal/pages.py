"""The pages: each asks the public API, hands the answers to one template, and says how long it may be kept.

Promises: everything is readable without JavaScript; a page exists in Chinese and English at the same path
under /zh/ and /en/; what the credit service cannot answer leaves a note on the page, what the publish
service cannot answer makes the page a plain 503. Leaves times and numbers to `texts`, drawings to `charts`.
"""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from portal import charts
from portal.client import Away, PublicApi, Refused, Unknown
from portal.render import page
from portal.texts import preferred

router = APIRouter(include_in_schema=False)
Lang = Literal["zh", "en"]
Cursor = Annotated[str | None, Query(max_length=400)]
RANGES = (24, 168)
FEW_LISTED = 5


def _api(request: Request) -> PublicApi:
    api: PublicApi = request.app.state.api
    return api


async def _or_none(answer: Any) -> Any:
    """The answer, or None where its absence leaves the rest of the page readable."""
    try:
        return await answer
    except (Away, Refused, Unknown):
        return None


@router.get("/")
async def entrance(request: Request) -> Response:
    """Sends a reader to the language asked for; Chinese by default."""
    lang = preferred(request.headers.get("accept-language"))
    headers = {"Vary": "Accept-Language", "Cache-Control": "private, max-age=0"}
    return RedirectResponse(f"/{lang}/", status_code=302, headers=headers)


@router.get("/{lang}/")
async def front(request: Request, lang: Lang, region: str | None = None, cursor: Cursor = None) -> Response:
    """The region's newest figure, what was left out, the stations, the listed units."""
    api = _api(request)
    latest, stations, released, listed = await asyncio.gather(
        api.latest(lang),
        api.stations(lang, cursor),
        api.releases(lang),
        _or_none(api.listings(limit=FEW_LISTED)),
    )
    regions = latest["items"]
    shown = next((one for one in regions if one["region"] == region), regions[0] if regions else None)
    recent = [one for one in released["items"] if shown and one["region"] == shown["region"]]
    return page(
        request,
        "front.html",
        lang,
        {
            "latest": shown,
            "regions": regions,
            "position": _position(shown["figure"]["aqi"]) if shown else None,
            "recent": recent[::-1],
            "stations": stations["items"],
            "next": stations["next"],
            "listed": listed,
            "listed_count": latest["listed"],
        },
    )


def _position(aqi: int | None) -> float | None:
    return None if aqi is None else charts.scale_position(aqi)


@router.get("/{lang}/stations/{code}")
async def station(
    request: Request, lang: Lang, code: str, factor: str | None = None, hours: int = RANGES[0]
) -> Response:
    """One station: its newest hour and the curve of one factor, with the table it is drawn from."""
    api = _api(request)
    found = await _station(api, lang, code)
    factors = [one for one in found["pollutants"] if one["factor"] in found["factors"]]
    chosen = factor if factor in found["factors"] else _first(found["factors"])
    span = hours if hours in RANGES else RANGES[0]
    content: dict[str, Any] = {"station": found, "factors": factors, "factor": chosen, "hours": span}
    if chosen is not None:
        told = await api.curve(lang, code, chosen, span)
        usable = [
            item["value"] for item in told["items"] if item["value"] is not None and not item["left_out"]
        ]
        content |= {
            "curve": told,
            "drawing": charts.curve(told["items"], told["from"], told["to"]),
            "low": min(usable, default=None),
            "high": max(usable, default=None),
            "out": sum(1 for item in told["items"] if item["left_out"]),
        }
    return page(request, "station.html", lang, content)


def _first(factors: list[str]) -> str | None:
    """PM2.5 where it is measured: it decides most often."""
    return "a34004" if "a34004" in factors else next(iter(factors), None)


async def _station(api: PublicApi, lang: str, code: str) -> dict[str, Any]:
    for found in (await api.stations(lang, code=code))["items"]:
        return dict(found)
    raise Unknown(code)


@router.get("/{lang}/releases")
async def releases(request: Request, lang: Lang, cursor: Cursor = None) -> Response:
    """What was released, newest hour first."""
    answer = await _api(request).releases(lang, cursor)
    return page(request, "releases.html", lang, {"releases": answer["items"], "next": answer["next"]})


@router.get("/{lang}/releases/{number}")
async def release(
    request: Request, lang: Lang, number: str, version: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """One release: figure, versions, steps, and every value it rests on."""
    try:
        told = await _api(request).release(lang, number, version)
    except Refused as error:
        raise Unknown(number) from error
    names = {
        (one["site"], pollutant["factor"]): (one["name"], pollutant["name"])
        for one in told["snapshot"]["stations"]
        for pollutant in one["pollutants"]
    }
    reasons = {(out["site"], out["factor"]): out["reason"] for out in told["snapshot"]["left_out"]}
    newest = told["versions"][0]["version"]
    content = {
        "release": told,
        "names": names,
        "reasons": reasons,
        "newest": newest,
        "position": _position(told["aqi"]),
    }
    return page(request, "release.html", lang, content)


@router.get("/{lang}/listings")
async def listings(
    request: Request,
    lang: Lang,
    uscc: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Cursor = None,
) -> Response:
    """The list of dishonest units, and the procurement check."""
    api = _api(request)
    code = (uscc or "").strip().upper()
    listed = await _or_none(api.listings(cursor))
    check, state = None, None
    if code:
        try:
            check, state = await api.procurement_check(code), "answered"
        except Away:
            state = "away"
        except (Refused, Unknown):
            state = "refused"
    content = {"listed": listed, "uscc": code, "check": check, "check_state": state}
    return page(request, "listings.html", lang, content)


@router.get("/{lang}/usage")
async def usage(request: Request, lang: Lang, cursor: Cursor = None) -> Response:
    """Which departments read what, day by day, after the delay that the policy sets."""
    try:
        told = await _api(request).usage(cursor)
    except Refused as error:
        raise Unknown("usage") from error
    except (Away, Unknown):
        told = None
    return page(request, "usage.html", lang, {"usage": told})


@router.get("/{lang}/method")
async def method(request: Request, lang: Lang) -> Response:
    """How the figures come about and how to check them."""
    return page(request, "method.html", lang, {}, max_age=3600)
