"""Sessions of people, with address and last use, so that people can recognise and end them."""

from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from accounts.models.tenant import User


class Session(AbstractBaseSession):
    """A browser's session; `user` is not set if nobody is logged in."""

    user = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.CASCADE, null=True, related_name="sessions"
    )
    address = models.CharField(verbose_name=_("address"), max_length=50, default="")
    browser = models.CharField(verbose_name=_("browser"), max_length=200, default="")
    begun_at = models.DateTimeField(verbose_name=_("begun at"), null=True)
    seen_at = models.DateTimeField(verbose_name=_("last used at"), null=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_string(f"{settings.SESSION_ENGINE}.SessionStore")
