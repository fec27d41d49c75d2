"""Whether the store of videos has room, as the workers that write to it find."""

from config.health import NotReadyError
from videos.models import Task
from videos.states import Attention, Status


def check() -> None:
    """Raise `NotReadyError` if results wait for room."""
    flagged = Task.objects.exclude(attention="")  # which have an index
    full = flagged.filter(attention__startswith=Attention.STORE_FULL.value, status=Status.STORING)
    if full.exists():
        raise NotReadyError("results wait, as the store of videos is full")
