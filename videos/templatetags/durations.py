"""Durations for people."""

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@register.filter
def duration(length: timedelta) -> str:
    """At most two units: <0.1 s, 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 4 days."""
    seconds = length.total_seconds()
    if seconds < 0.05:
        return _("%(number)s s") % {"number": "<0.1"}
    if seconds < 10:
        return _("%(number)s s") % {"number": f"{seconds:.1f}"}
    if seconds < _MINUTE:
        return _("%(number)s s") % {"number": f"{seconds:.0f}"}
    if seconds < _HOUR:
        minutes, rest = divmod(int(seconds), _MINUTE)
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    if seconds < 2 * _DAY:
        hours, rest = divmod(int(seconds), _HOUR)
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest // _MINUTE}
    days = int(seconds // _DAY)
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
