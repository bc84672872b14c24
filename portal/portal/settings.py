"""Settings of the portal, from `PORTAL_…`; read once in `main`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the portal listens and which public API it reads.

    `api_base` is the edge, e.g. `http://127.0.0.1:8080`; `public_api_base` is how a reader's browser
    reaches the same API (empty = the site's own origin).
    """

    model_config = SettingsConfigDict(env_prefix="PORTAL_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    api_base: str = Field(pattern=r"^https?://")
    public_api_base: str = ""
    timeout_seconds: float = Field(default=4.0, gt=0, le=30)
