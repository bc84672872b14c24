"""The site's sentences in Chinese and English, and how times and numbers are written.

Promises: a missing sentence is an error at the first page, not a blank; times are Beijing time whatever the
machine's zone. Leaves to the API the names and reasons that come with the data.
"""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files

LANGUAGES = ("zh", "en")
HTML_LANG = {"zh": "zh-Hans", "en": "en"}
BEIJING = timezone(timedelta(hours=8))

_TEXTS: dict[str, dict[str, dict[str, str]]] = tomllib.loads(
    files("portal").joinpath("texts.toml").read_text(encoding="utf-8")
)


def translator(lang: str) -> Callable[..., str]:
    """`t("front.hour", date="2026-11-21", start="08:00", end="09:00")` in this language."""

    def t(key: str, **values: object) -> str:
        section, _, name = key.partition(".")
        return _TEXTS[section][name][lang].format(**values)

    return t


def preferred(accept_language: str | None) -> str:
    """The language of an Accept-Language header; Chinese unless English is wanted more.

    >>> preferred("en-GB,en;q=0.9,zh;q=0.8"), preferred("fr"), preferred(None)
    ('en', 'zh', 'zh')
    """
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in (accept_language or "").split(","):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.split("-")[0].lower()
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "en" if weights["en"] > weights["zh"] else "zh"


def beijing(text: str) -> datetime:
    """An API time as Beijing time."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(BEIJING)


def day(text: str) -> str:
    """`2026-11-21`."""
    return beijing(text).strftime("%Y-%m-%d")


def clock(text: str) -> str:
    """`08:00`."""
    return beijing(text).strftime("%H:%M")


def minute(text: str) -> str:
    """`2026-11-21 08:00`."""
    return beijing(text).strftime("%Y-%m-%d %H:%M")


def unit(text: str) -> str:
    """A unit as written after a value: nothing for a plain number such as pH."""
    return "" if text in {"–", "-", "1"} else text


def number(value: float | None, decimals: int = 0) -> str:
    """A value with its decimals; a dash for none."""
    return "—" if value is None else f"{value:.{decimals}f}"
