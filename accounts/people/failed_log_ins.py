"""Records failed log-ins in the audit log, except attempts during a lockout."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.models import AuditPlace, User


@receiver(user_login_failed)
def record_failure(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record that a password or a code was wrong, and whether that locked the log-in.

    Axes, which handles the signal first, sets `axes_failures_since_start` only outside a lockout.
    """
    if request is None or getattr(request, "axes_failures_since_start", None) is None:
        return
    person = User.objects.filter(username=credentials.get("username", "")).first()
    failure = {
        "succeeded": False,
        "refused": "code" if "otp_token" in credentials else "password",
        "closed": bool(getattr(request, "axes_locked_out", False)),
    }
    by = audit.claimed(request, AuditPlace.OWN_PAGES, person)
    audit.record(
        by, audit.About.LOG_IN.named(str(person or audit.UNKNOWN_PERSON)), "", {}, failure, timezone.now()
    )
