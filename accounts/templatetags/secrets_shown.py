"""For how long pages show a secret again to the person who made it."""

from django import template

from accounts.once import LIFE

register = template.Library()


@register.simple_tag
def minutes_shown() -> int:
    """Minutes, see `accounts.once.LIFE`."""
    return int(LIFE.total_seconds() // 60)
