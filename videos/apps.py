"""Django configuration of the `videos` app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from config import database


class VideosConfig(AppConfig):
    """The gateway: requests, tasks, upstreams, results and billing."""

    name = "videos"
    verbose_name = _("Videos")

    def ready(self) -> None:
        post_migrate.connect(database.analyse, sender=self)  # the last app that is migrated
