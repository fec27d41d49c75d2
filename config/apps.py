"""The configuration as an app, so that its checks are registered, and the staff console."""

from django.apps import AppConfig
from django.contrib.admin import apps


class ConfigurationConfig(AppConfig):
    """Loads the system checks."""

    name = "config"

    def ready(self) -> None:
        """Register the checks."""
        from config import checks  # noqa: F401 - importing it registers them


class ConsoleConfig(apps.AdminConfig):
    """The staff console: Django's admin, with a door of our own."""

    default = False
    default_site = "config.console.site.ConsoleSite"
