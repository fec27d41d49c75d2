"""Tenants, their people and their keys."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who is asking and what they may have."""

    name = "accounts"
    verbose_name = _("Tenants and people")

    def ready(self) -> None:
        """Listen to log-ins that fail."""
        from accounts.people import failed_log_ins  # noqa: F401 - importing it connects it
