"""Django configuration of the `videos` app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VideosConfig(AppConfig):
    """The gateway: requests, tasks, upstreams, results and billing."""

    name = "videos"
    verbose_name = _("Videos")
