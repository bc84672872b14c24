"""The one TLS context of a process, for every client that asks over HTTP.

Promises: what `httpx` makes by itself (host names checked; the public roots, or those of SSL_CERT_FILE), made
once: reading the roots is 20 to 45 ms of CPU for each client that reads them itself.
"""

import ssl
from functools import cache

import httpx


@cache
def roots() -> ssl.SSLContext:
    """For `httpx.AsyncClient(verify=roots())`; nobody changes it."""
    return httpx.create_ssl_context()
