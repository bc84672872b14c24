"""What the end-to-end tests share: the city and looks at the public side of the platform."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol

from jianzhen.demo import officers
from jianzhen.platform import Platform

BEIJING = timezone(timedelta(hours=8))


class City(Protocol):
    """The fixture of tests/e2e/conftest.py."""

    platform: Platform
    cheat: Any
    late: Any
    held: list[bytes]
    end: int

    def ask(self, who: str | None, path: str) -> Any: ...


def iso(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC).astimezone(BEIJING)


def public(city: City, path: str) -> Any:
    """A public route, as nobody."""
    return city.ask(None, path)


def until_released(city: City, hour: int) -> dict[str, Any]:
    """The newest public version of the region's release for the hour at epoch second `hour`."""

    def look() -> dict[str, Any] | None:
        for one in officers.every(city.platform, None, "/api/publish/public/releases?region=131000"):
            if datetime.fromisoformat(one["from"]).timestamp() == hour:
                return dict(public(city, f"/api/publish/public/releases/{one['id']}"))
        return None

    return officers.until(f"the release of {iso(hour)}", look)
