"""Columns of lists of API keys in the staff console."""

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey
from accounts.pages.key_states import dated_chip


class KeyColumns:
    """What a key may do and whether it works, for pages and inlines of keys."""

    @admin.display(description=_("scopes"))
    def may(self, key: APIKey) -> str:
        return ", ".join(key.scope_names)

    @admin.display(description=_("state"))
    def state(self, key: APIKey) -> SafeString:
        return dated_chip(key, timezone.now())
