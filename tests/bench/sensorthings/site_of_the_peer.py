"""The peer as its documentation sets it up: Django on PostgreSQL, with the data array extension.

Its database is PEER_DATABASE (host, port, name, user, password in one URL); its own address is PEER_URL.
"""

import os
from urllib.parse import urlsplit
from uuid import UUID

_url = urlsplit(os.environ["PEER_DATABASE"])
SECRET_KEY = "bench"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls_of_the_peer"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "sensorthings.versions.v1_1",
    "sensorthings.versions.v1_1.backends.django",
    "sensorthings.versions.v1_1.extensions.dataarray",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _url.hostname,
        "PORT": _url.port,
        "NAME": _url.path[1:],
        "USER": _url.username,
        "PASSWORD": _url.password,
        "CONN_MAX_AGE": 600,
    }
}
SENSORTHINGS_V1_1_SERVICE_URL = os.environ["PEER_URL"]
SENSORTHINGS_V1_1_BACKEND_ADAPTER = "sensorthings.versions.v1_1.backends.django.adapter.DjangoBackendAdapter"
SENSORTHINGS_V1_1_ID_TYPE = UUID
SENSORTHINGS_V1_1_ID_DELIMITER = "'"
SENSORTHINGS_V1_1_DOCS_ENABLED = False
