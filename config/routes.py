"""Prefixes of paths, and methods, that more than one place must know."""

API_PREFIX = "/v1/"
CONSOLE_PREFIX = "/admin/"
HEALTH_PREFIXES = ("/healthz", "/readyz")
READING = ("GET", "HEAD")
"""Methods of what can only be looked at."""
FOR_PAGES = (*READING, "POST")
"""Methods of browsers, which are all that pages take."""
VIDEOS_PATH = f"{API_PREFIX}videos"
"""Where videos are asked for."""
