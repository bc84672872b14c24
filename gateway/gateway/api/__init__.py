"""The doors of the gateway: what the edge asks (`authorize`), the audit, and the documentation."""
