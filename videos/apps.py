"""Videos: what is asked for and what became of it."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from videos.billing import default_prices


class VideosConfig(AppConfig):
    """The gateway itself."""

    name = "videos"
    verbose_name = _("Videos")

    def ready(self) -> None:
        """Let a database without prices get the default ones."""
        post_migrate.connect(default_prices.seed, sender=self)
