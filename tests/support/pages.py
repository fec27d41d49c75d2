"""All pages for people, for the browser tour, the screenshots and the benchmark."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import reverse

from accounts import once
from accounts.models import APIKey, CosBucket, Role, Tenant, User
from accounts.people import confirmation
from accounts.portal.keys import MADE
from videos.models import Task
from videos.pages.statement import PRINT
from videos.states import Status, Verb

NOBODY, MEMBER, STAFF = "nobody", "member", "staff"
TEXT = "_a_text_that_is_shown_once"
"""In place of the secret part of a key, which nobody knows any more."""


@dataclass(frozen=True)
class Page:
    name: str
    viewer: str
    path: str


def pages(tenant: Tenant, staff: User) -> list[Page]:
    """All pages; pages of one row use a row of the tenant or the newest one.

    Members are owners of the tenant. What is shown once is kept for the newest owner and for the staff.
    """
    return [*_of_nobody(), *_of_a_member(tenant), *_of_staff(tenant, staff)]


def _of_nobody() -> Iterator[Page]:
    for route in ("log-in", "forgotten", "reset-sent"):
        yield Page(route, NOBODY, reverse(f"people:{route}"))
    yield Page("reset-unknown", NOBODY, reverse("people:reset", args=["MQ", "unknown"]))
    yield Page("invitation-unknown", NOBODY, reverse("people:invitation", args=["unknown"]))
    yield Page("not-found", NOBODY, "/nowhere/")


def _of_a_member(tenant: Tenant) -> Iterator[Page]:
    for route in ("overview", "videos", "api", "playground", "usage", "statement", "limits", "prices"):
        yield Page(f"portal-{route}", MEMBER, reverse(f"portal:{route}", args=[tenant.pk]))
    statement = reverse("portal:statement", args=[tenant.pk])
    yield Page("portal-statement-print", MEMBER, f"{statement}?{PRINT}=1")
    for route in ("keys", "new-key", "left-keys", "bucket", "members", "audit"):
        yield Page(f"portal-{route}", MEMBER, reverse(f"account:{route}", args=[tenant.pk]))
    if CosBucket.objects.filter(tenant=tenant).exists():
        yield Page("portal-remove-bucket", MEMBER, reverse("account:remove-bucket", args=[tenant.pk]))
    yield from _of_a_key(tenant)
    for status, task in _one_of_each(tenant):
        path = reverse("portal:video", args=[tenant.pk, task.public_id])
        yield Page(f"portal-video-{status}", MEMBER, path)
        if status == Status.SUCCEEDED:
            yield Page("portal-remove", MEMBER, reverse("portal:remove", args=[tenant.pk, task.public_id]))
            again = reverse("portal:playground", args=[tenant.pk])
            yield Page("portal-again", MEMBER, f"{again}?from={task.public_id}")
    for route in ("profile", "email", "password", "second-factor", "sessions"):
        yield Page(f"people-{route}", MEMBER, reverse(f"people:{route}"))
    owner = User.objects.filter(memberships__tenant=tenant, memberships__role=Role.OWNER).latest("pk")
    yield Page("people-confirm-email", MEMBER, confirmation.page_of(owner, "new@people.example"))
    yield _of_a_new_key(tenant, owner)


def _of_a_new_key(tenant: Tenant, owner: User) -> Page:
    """The page that shows the text of a key once, to the owner who made it just now."""
    key = _working_key(tenant)
    form_id = once.put(owner, MADE, key=key.pk, text=f"{key.prefix}{TEXT}")
    return Page("portal-made-key", MEMBER, reverse("account:made-key", args=[tenant.pk, form_id]))


def _of_a_key(tenant: Tenant) -> Iterator[Page]:
    key = _working_key(tenant)
    for route in ("key", "rotate-key", "revoke-key"):
        yield Page(f"portal-{route}", MEMBER, reverse(f"account:{route}", args=[tenant.pk, key.pk]))


def _working_key(tenant: Tenant) -> APIKey:
    return APIKey.objects.of_programs().filter(tenant=tenant, revoked_at=None).latest("pk")


def _of_staff(tenant: Tenant, staff: User) -> Iterator[Page]:
    yield Page("console-dashboard", STAFF, reverse("admin:index"))
    for model, rows in admin.site._registry.items():
        yield from _of_model(model, rows, staff)
    for status, task in _one_of_each(tenant):
        yield Page(f"console-task-{status}", STAFF, reverse("admin:videos_task_change", args=[task.pk]))
        if status == Status.SUCCEEDED:
            again = reverse("admin:videos_task_decide", args=[task.pk, Verb.RESUBMIT])
            yield Page("console-task-decide", STAFF, again)
    yield Page("console-price-table", STAFF, reverse("admin:videos_price_table"))
    yield Page("console-search", STAFF, f"{reverse('admin:search')}?q={tenant.name[:3]}")
    yield Page("console-videos", STAFF, reverse("admin:app_list", args=["videos"]))
    for view in ("overview", "statement", "change", "bucket", "invite", "suspension"):
        path = reverse(f"admin:accounts_tenant_{view}", args=[tenant.pk])
        yield Page(f"console-tenant-{view}", STAFF, path)
    yield Page("console-user-password", STAFF, reverse("admin:auth_user_password_change", args=[staff.pk]))
    yield from _of_keys_of_staff(tenant, staff)


def _of_keys_of_staff(tenant: Tenant, staff: User) -> Iterator[Page]:
    """What asks before a key is revoked, and what shows the text of one once, to the person who made it."""
    key = _working_key(tenant)
    yield Page("console-revoke-key", STAFF, reverse("admin:accounts_apikey_revoke", args=[key.pk]))
    form_id = once.put(staff, str(APIKey._meta.model_name), keys=[(key.pk, f"{key.prefix}{TEXT}")])
    yield Page("console-made-key", STAFF, reverse("admin:accounts_apikey_made", args=[form_id]))


def _of_model(model: Any, rows: Any, staff: User) -> Iterator[Page]:
    """The list of a model, the form for a new row, and of one row its page, its history and its removal."""
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    request = type("Request", (), {"user": staff, "GET": {}, "path": "/admin/"})()
    yield Page(f"console-{name}-list", STAFF, reverse(f"admin:{name}_changelist"))
    if rows.has_add_permission(request):
        yield Page(f"console-{name}-new", STAFF, reverse(f"admin:{name}_add"))
    row = model._default_manager.order_by("-pk").first()
    if row is None:
        return
    if model is not Task:
        yield Page(f"console-{name}", STAFF, reverse(f"admin:{name}_change", args=[row.pk]))
    yield Page(f"console-{name}-history", STAFF, reverse(f"admin:{name}_history", args=[row.pk]))
    if rows.has_delete_permission(request, row):
        yield Page(f"console-{name}-delete", STAFF, reverse(f"admin:{name}_delete", args=[row.pk]))


def _one_of_each(tenant: Tenant) -> Iterator[tuple[str, Task]]:
    """The newest task of the tenant in each state."""
    for status in Status:
        task = Task.objects.filter(tenant=tenant, status=status, hidden_at=None).order_by("-id").first()
        if task is not None:
            yield status.value, task
