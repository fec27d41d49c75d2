"""Whether the store of videos has room, as the workers that write to it find."""

from config.health import NotReadyError
from videos.models import Task
from videos.states import Attention, Status


def waiting() -> int:
    """Results that wait because the store is full; at most 100 are counted."""
    flagged = Task.objects.exclude(attention="").filter(attention__startswith=Attention.STORE_FULL.value)
    return flagged.filter(status=Status.STORING)[:100].count()


def check() -> None:
    """Raise `NotReadyError` if results wait for room."""
    if waiting():
        raise NotReadyError("results wait, as the store of videos is full")
