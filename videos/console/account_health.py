"""The health of an upstream account in the staff console: its look, and what staff can do about it."""

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from accounts import audit
from accounts.console.reasons import ReasonForm, record
from config.web.badges import BAD, BUSY, GOOD, WARN, chip
from videos.labels import Label
from videos.models import AccountState, UpstreamAccount
from videos.queueing import Job, enqueue
from videos.routing import health
from videos.routing.advice import advice_on, explained, name_of, outcome_in_words

Condition = AccountState.Condition
LOOKS = {Condition.WORKING: GOOD, Condition.PAUSED: WARN, Condition.OPEN: BAD, Condition.TRIAL: BUSY}
MEANINGS: dict[str, Label] = {
    Condition.WORKING: gettext_lazy("It takes tasks."),
    Condition.PAUSED: gettext_lazy("It was called too often or is full; after a pause it takes tasks again."),
    Condition.OPEN: gettext_lazy("It takes no tasks. Workers check it at intervals, which costs nothing."),
    Condition.TRIAL: gettext_lazy(
        "The check passed. It gets one task, whose result decides whether it is back in service."
    ),
}
NEXT: dict[str, Label] = {
    Condition.PAUSED: gettext_lazy("End of the pause"),
    Condition.OPEN: gettext_lazy("Next check"),
    Condition.TRIAL: gettext_lazy("Next task from"),
}
"""What the time of the next try is called."""


def condition_chip(state: AccountState) -> SafeString:
    """The condition as a chip."""
    return chip(Condition(state.condition).label, LOOKS[Condition(state.condition)])


def shown_health(state: AccountState) -> dict[str, Any]:
    """The health for templates."""
    return {
        "state": state,
        "chip": condition_chip(state),
        "is_working": state.condition == Condition.WORKING,
        "meaning": MEANINGS[state.condition],
        "reason": name_of(state.reason),
        "advice": advice_on(state.reason),
        "explained": explained(state.reason),
        "next_label": NEXT.get(state.condition),
        "result": outcome_in_words(state.check_code),
    }


def followed(state: AccountState) -> dict[str, Any]:
    """The health for the page of the account, which follows the check that staff asked for."""
    return {**shown_health(state), "check": _state_of_check(state)}


def why_untaken(account: UpstreamAccount) -> str:
    """Why the account takes no new tasks, as a sentence for staff."""
    if not account.is_enabled:
        return _("It is disabled, so it gets no new tasks.")
    return explained(account.state.reason) or str(MEANINGS[account.state.condition])


class HealthPages:
    """The actions on an account's health, for the page of accounts."""

    admin_site: Any
    get_object: Any
    has_view_permission: Any
    has_change_permission: Any

    def get_urls(self) -> list[URLPattern]:
        views = map(require_POST, (self.check_view, self.restore_view))
        check, restore = map(self.admin_site.admin_view, views)
        own = [
            path("<int:account_id>/check/", check, name="videos_upstreamaccount_check"),
            path("<int:account_id>/restore/", restore, name="videos_upstreamaccount_restore"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # of the ModelAdmin this is mixed into

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; with `part=health`, only what changes while a worker checks the connection."""
        if request.GET.get("part") != "health":
            page: HttpResponse = super().change_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
            return page
        account = self.get_object(request, unquote(object_id))
        if account is None:
            raise Http404
        if not self.has_view_permission(request, account):
            raise PermissionDenied
        context = {
            "is_part": True,
            "original": account,
            "health": followed(account.state),
            "has_change_permission": self.has_change_permission(request, account),
        }
        return TemplateResponse(request, "admin/videos/upstreamaccount/health_state.html", context)

    def check_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Have a worker check the connection; the page shows what comes of it."""
        account = self._account(request, account_id)
        _check(account.pk)
        return _page_of(account)

    def restore_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Put the account back into service, with a reason."""
        account = self._account(request, account_id)
        form = ReasonForm(request.POST)
        if not form.is_valid():
            messages.error(request, form.problem)
        elif _restored(request, account, form.cleaned_data["reason"]):
            messages.success(request, _("The account is back in service."))
        else:
            messages.info(request, _("The account is in service already."))
        return _page_of(account)

    def _account(self, request: HttpRequest, account_id: int) -> UpstreamAccount:
        accounts = UpstreamAccount.objects.select_related("owner").defer("secret_key", "proxy_url")
        account = get_object_or_404(accounts, pk=account_id)
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        return account


def _check(account_id: int) -> None:
    """Have a worker check the connection, unless a check is waiting already."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        enqueue(Job.CHECK, queueing_lock=_lock(account_id), account_id=account_id)


def _state_of_check(state: AccountState) -> str:
    """The state of the latest check that staff asked for; empty if its result is there.

    `todo`: it waits for a worker; `doing`: it is at work; `failed`: it has ended without a result.
    """
    jobs = ProcrastinateJob.objects.filter(queue_name=Job.CHECK, queueing_lock=_lock(state.account_id))
    latest = jobs.order_by("-pk").first()
    if latest is None or latest.status == "succeeded":
        return ""
    if latest.status in ("todo", "doing"):
        return str(latest.status)
    ended_at = latest.procrastinateevent_set.aggregate(at=Max("at"))["at"]
    has_result = state.checked_at is not None and ended_at is not None and state.checked_at > ended_at
    return "" if has_result else "failed"


def _lock(account_id: int) -> str:
    return f"{Job.CHECK} by staff:{account_id}"


def _restored(request: HttpRequest, account: UpstreamAccount, reason: str) -> bool:
    """Close the breaker and record it; False if the account is in service."""
    with transaction.atomic():
        before = AccountState.objects.select_for_update().get(account=account.pk)
        if before.condition == Condition.WORKING:
            return False
        health.close(account.pk)
        after = AccountState.objects.get(account=account.pk)
        changed = audit.changes(before, after, ("condition", "reason"))
        record(request, audit.subject_of(account), reason, changed, account.owner)
    return True


def _page_of(account: UpstreamAccount) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:videos_upstreamaccount_change", args=[account.pk]))
