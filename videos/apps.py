"""Videos: what is asked for and what became of it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VideosConfig(AppConfig):
    """The gateway itself."""

    name = "videos"
    verbose_name = _("Videos")
