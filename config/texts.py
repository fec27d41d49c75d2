"""Checks of texts that people enter. Pure."""

import unicodedata

_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of control characters, surrogates, and line and paragraph separators."""


def is_one_line(text: str) -> bool:
    """Whether it can be stored and shown as one line."""
    return not any(unicodedata.category(character) in _CONTROL for character in text)
