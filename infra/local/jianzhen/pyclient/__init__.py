"""Makes the Python client from the OpenAPI of all services (docs/adr/0048)."""
