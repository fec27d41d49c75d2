"""States as chips: a word with a sign, for the pages of people."""

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

GOOD, BAD, WARN, BUSY, NEUTRAL = "good", "bad", "warn", "busy", ""
"""How a chip may look: the class of the style sheet beside `chip`. Each has a sign of its own."""


def chip(label: "str | Promise", look: str = NEUTRAL) -> SafeString:
    """The word as a chip of that look."""
    return format_html('<span class="chip {}">{}</span>', look, label)
