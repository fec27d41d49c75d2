"""All pages for people, for the browser tour, the screenshots and the benchmark."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import reverse

from accounts.models import APIKey, Tenant, User
from videos.models import Task
from videos.states import Status

NOBODY, MEMBER, STAFF = "nobody", "member", "staff"


@dataclass(frozen=True)
class Page:
    name: str
    viewer: str
    path: str


def pages(tenant: Tenant, staff: User) -> list[Page]:
    """All pages; pages of one row use a row of the tenant or the newest one."""
    return [*_of_nobody(), *_of_a_member(tenant), *_of_staff(tenant, staff)]


def _of_nobody() -> Iterator[Page]:
    for route in ("log-in", "forgotten", "reset-sent"):
        yield Page(route, NOBODY, reverse(f"people:{route}"))
    yield Page("invitation-unknown", NOBODY, reverse("people:invitation", args=["unknown"]))
    yield Page("not-found", NOBODY, "/nowhere/")


def _of_a_member(tenant: Tenant) -> Iterator[Page]:
    for route in ("overview", "videos", "api", "playground", "usage", "statement", "limits", "prices"):
        yield Page(f"portal-{route}", MEMBER, reverse(f"portal:{route}", args=[tenant.pk]))
    for route in ("keys", "new-key", "left-keys", "bucket", "members", "audit"):
        yield Page(f"portal-{route}", MEMBER, reverse(f"account:{route}", args=[tenant.pk]))
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


def _of_a_key(tenant: Tenant) -> Iterator[Page]:
    key = APIKey.objects.of_programs().filter(tenant=tenant, revoked_at=None).latest("pk")
    for route in ("key", "rotate-key", "revoke-key"):
        yield Page(f"portal-{route}", MEMBER, reverse(f"account:{route}", args=[tenant.pk, key.pk]))


def _of_staff(tenant: Tenant, staff: User) -> Iterator[Page]:
    yield Page("console-dashboard", STAFF, reverse("admin:index"))
    for model, rows in admin.site._registry.items():
        yield from _of_model(model, rows, staff)
    for status, task in _one_of_each(tenant):
        yield Page(f"console-task-{status}", STAFF, reverse("admin:videos_task_change", args=[task.pk]))
    yield Page("console-price-table", STAFF, reverse("admin:videos_price_table"))
    for view in ("change", "overview", "statement", "bucket", "invite", "suspension"):
        yield Page(
            f"console-tenant-{view}", STAFF, reverse(f"admin:accounts_tenant_{view}", args=[tenant.pk])
        )


def _of_model(model: Any, rows: Any, staff: User) -> Iterator[Page]:
    """The list of a model, the form for a new row and the page of one row."""
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    request = type("Request", (), {"user": staff, "GET": {}, "path": "/admin/"})()
    yield Page(f"console-{name}-list", STAFF, reverse(f"admin:{name}_changelist"))
    if rows.has_add_permission(request):
        yield Page(f"console-{name}-new", STAFF, reverse(f"admin:{name}_add"))
    row = model._default_manager.order_by("-pk").first()
    if row is not None and model is not Task:
        yield Page(f"console-{name}", STAFF, reverse(f"admin:{name}_change", args=[row.pk]))


def _one_of_each(tenant: Tenant) -> Iterator[tuple[str, Task]]:
    """The newest task of the tenant in each state."""
    for status in Status:
        task = Task.objects.filter(tenant=tenant, status=status, hidden_at=None).order_by("-id").first()
        if task is not None:
            yield status.value, task
