"""The apps of the settings, which registers their system checks, and of the staff console."""

from django.apps import AppConfig
from django.contrib.admin import apps


class ConfigurationConfig(AppConfig):
    """Loads the system checks."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 - importing it registers them


class ConsoleConfig(apps.AdminConfig):
    """The staff console: Django's admin with our own site."""

    default = False
    default_site = "config.console.site.ConsoleSite"
