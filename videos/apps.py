"""Videos: what is asked for and what became of it."""

from django.apps import AppConfig


class VideosConfig(AppConfig):
    """The gateway itself."""

    name = "videos"
