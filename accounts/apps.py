"""Tenants, their people and their keys."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The app of tenants, people, keys and quotas."""

    name = "accounts"
    verbose_name = _("Tenants and people")

    def ready(self) -> None:
        from accounts.people import failed_log_ins  # noqa: F401 - importing it connects its signals
