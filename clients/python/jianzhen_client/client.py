"""The client: one attribute for each service, one method for each operation.

Promises: safe to share between threads. Leaves the operations to `api`, who asks to `credentials`, trying
again to `transport`.
"""

import os
import ssl
from types import TracebackType
from urllib.parse import quote

import httpx

from jianzhen_client.api import Services
from jianzhen_client.credentials import Credentials, Key, Secret
from jianzhen_client.transport import Transport

PATIENCE_SECONDS = 60.0
TIMEOUT_SECONDS = 30.0


class Client(Services):
    """`url` is the platform's address; without `credentials` only what is public can be asked.

    `patience` is how long, in seconds, one call may wait and try again; 0 tries once. `verify` as in httpx.
    `purpose`, and `case` where it needs one, say what others' data are read for; they go on record.
    Worked example: `Client("http://127.0.0.1:8080", Secret("sys-met-131000", "…")).ingest.list_sites()`.
    """

    def __init__(  # noqa: PLR0913 all but the first two are by name
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        patience: float = PATIENCE_SECONDS,
        verify: ssl.SSLContext | bool = True,
        purpose: str = "",
        case: str = "",
    ) -> None:
        said = {"X-Purpose": quote(purpose), "X-Case": quote(case)}
        headers = {name: value for name, value in said.items() if value}
        self.http = httpx.Client(base_url=url.rstrip("/"), timeout=timeout, verify=verify, headers=headers)
        self._credentials = credentials
        super().__init__(Transport(self.http, credentials, patience))

    def token(self) -> str:
        """An access token for tools that have none of their own; empty without credentials."""
        return self._credentials.token(self.http) if self._credentials is not None else ""

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def credentials_from_environment() -> Credentials:
    """JZ_CLIENT with JZ_KEY (a file) or JZ_SECRET, as `jianzhen sandbox join` writes them."""
    if key := os.environ.get("JZ_KEY"):
        return Key(os.environ["JZ_CLIENT"], key)
    return Secret(os.environ["JZ_CLIENT"], os.environ["JZ_SECRET"])


def from_environment() -> Client:
    """A client of JZ_URL with the credentials of the environment. Raises KeyError with what is not set.

    JZ_PURPOSE and JZ_CASE may say what others' data are read for.
    """
    purpose, case = os.environ.get("JZ_PURPOSE", ""), os.environ.get("JZ_CASE", "")
    return Client(os.environ["JZ_URL"], credentials_from_environment(), purpose=purpose, case=case)
