"""Typed client of the Jianzhen platform 鉴真平台客户端.

Worked example:

    with Client("http://127.0.0.1:8080", Secret("sys-met-131000", "…")) as jianzhen:
        jianzhen.ingest.send_observations({"source": "met", "rows": [{"site": "…", "factor": "a34004",
            "time": "2026-10-01T08:00:00+08:00", "value": 48}]})
"""

from jianzhen_client.client import Client, credentials_from_environment, from_environment
from jianzhen_client.credentials import Credentials, Key, Secret, Token
from jianzhen_client.problems import Fault, Problem

__all__ = [
    "Client",
    "Credentials",
    "Fault",
    "Key",
    "Problem",
    "Secret",
    "Token",
    "credentials_from_environment",
    "from_environment",
]
