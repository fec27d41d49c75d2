"""Small things in lists: states as chips, which are a word with a sign, and long texts cut to a line."""

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

GOOD, BAD, WARN, BUSY, NEUTRAL = "good", "bad", "warn", "busy", ""
"""How a chip may look: the class of the style sheet beside `chip`. Each has a sign of its own."""


def chip(label: "str | Promise", look: str = NEUTRAL) -> SafeString:
    """The word as a chip of that look."""
    return format_html('<span class="chip {}">{}</span>', look, label)


def clipped(text: str) -> SafeString | None:
    """A text of which a list shows the beginning; the rest shows when it is pointed at. None for none."""
    return format_html('<span class="clip" title="{0}">{0}</span>', text) if text else None
