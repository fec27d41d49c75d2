"""The configuration as an app, so that its checks are registered."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """Loads the system checks."""

    name = "config"

    def ready(self) -> None:
        """Register the checks."""
        from config import checks  # noqa: F401 - importing it registers them
