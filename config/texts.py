"""Texts that people give: pure."""

import unicodedata

_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters, halves of characters, and ends of lines, by their Unicode category."""


def is_one_line(text: str) -> bool:
    """Whether it can be stored and shown as one line."""
    return not any(unicodedata.category(character) in _CONTROL for character in text)
