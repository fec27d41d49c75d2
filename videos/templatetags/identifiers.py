"""Long ids on pages: the beginning and the end, with all of it as a tooltip and to be copied."""

from django import template

register = template.Library()
BEGINNING, END = 9, 6
"""Characters shown of a long id; the ends of ids made at the same time differ."""


@register.filter
def shortened(text: str) -> str:
    """The beginning and the end of an id; all of a short one."""
    return text if len(text) <= BEGINNING + END + 1 else f"{text[:BEGINNING]}…{text[-END:]}"


@register.inclusion_tag("task/short_id.html")
def short_id(text: str) -> dict[str, str]:
    """The id in short, with a button that copies all of it."""
    return {"text": text, "short": shortened(text)}
