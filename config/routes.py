"""Prefixes of paths that more than one place must know."""

API_PREFIX = "/v1/"
CONSOLE_PREFIX = "/admin/"
HEALTH_PREFIXES = ("/healthz", "/readyz")
