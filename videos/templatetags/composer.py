"""Template tags of the video form: inputs and their error messages."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from videos.requests.values import is_web_url

register = template.Library()
_GROUPS = {"shot_prompts": "shots", "shot_durations": "shots"}
"""Where it is said what is wrong with all slots of a field together, if not at the field's own name."""


@register.inclusion_tag("composer/errors.html", takes_context=True)
def problems_of(context: dict[str, Any], field: str, slot: int | None = None) -> dict[str, Any]:
    """The error list of a field, or of one of its slots; may be empty."""
    name = _name(field, slot)
    return {"field": name, "messages_here": _messages(context, name)}


@register.inclusion_tag("composer/errors.html", takes_context=True)
def problems_at(context: dict[str, Any], name: str) -> dict[str, Any]:
    """The same as an out-of-band swap for htmx, replacing the list on the page."""
    return {"field": name, "messages_here": _messages(context, name), "is_oob": True}


@register.simple_tag(takes_context=True)
def control(context: dict[str, Any], field: str, slot: int | None = None) -> SafeString:
    """The id, name and ARIA attributes of an input, which link it to what is wrong with it and its group."""
    name = _name(field, slot)
    lists = [name] if slot is None else [name, _GROUPS.get(field, field)]
    invalid = "true" if any(_messages(context, of) for of in lists) else "false"
    described_by = " ".join(f"errors-{of}" for of in lists)
    return format_html(
        'id="id-{}" name="{}" aria-describedby="{}" aria-invalid="{}"', name, field, described_by, invalid
    )


@register.filter
def answer(answers: dict[str, str], name: str) -> str:
    """The value of a field, or ""."""
    return answers.get(name, "")


@register.filter
def link_name(url: str) -> str:
    """What a link is recognised by: the last part of its path, and the host."""
    parts = urlsplit(url) if is_web_url(url) else None
    if parts is None:
        return ""
    name = parts.path.rstrip("/").rpartition("/")[2]
    return f"{name} ({parts.hostname})" if name else str(parts.hostname)


def _name(field: str, slot: int | None) -> str:
    return field if slot is None else f"{field}-{slot}"


def _messages(context: dict[str, Any], name: str) -> Sequence[str]:
    found: Sequence[str] = context.get("problems", {}).get(name, ())
    return found
