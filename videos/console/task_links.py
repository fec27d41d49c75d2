"""Links from the console's lists to the page of a task."""

from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from videos.models.task import public_id
from videos.templatetags.identifiers import shortened

_LINK = '<a class="accent mono nowrap" href="{}" title="{}">{}</a>'


def task_link(task_id: UUID) -> SafeString:
    """The task's id in short, linked to its page; all of it as a tooltip."""
    page, text = reverse("admin:videos_task_change", args=[task_id]), public_id(task_id)
    return format_html(_LINK, page, text, shortened(text))
