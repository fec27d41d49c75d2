"""For lists: states as chips (a word with an icon), and long texts clipped to one line."""

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

GOOD, BAD, WARN, BUSY, NEUTRAL = "good", "bad", "warn", "busy", ""
"""Looks of a chip: CSS classes used together with `chip`; each has its own icon."""


def chip(label: "str | Promise", look: str = NEUTRAL) -> SafeString:
    """The label as a chip of that look."""
    return format_html('<span class="chip {}">{}</span>', look, label)


def clipped(text: str, *, is_brief: bool = False) -> SafeString | None:
    """A text that lists show clipped, with all of it as a tooltip; None if it is empty.

    A brief one stands in a list of many columns.
    """
    look = "clip brief" if is_brief else "clip"
    return format_html('<span class="{1}" title="{0}">{0}</span>', text, look) if text else None
