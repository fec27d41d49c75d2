"""The search of the staff console over tenants, keys, tasks and pages: a page, and the same in a dialog."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import keys
from accounts.console.tenants import state_chip
from accounts.models import APIKey, Tenant
from accounts.pages.key_states import dated_chip
from videos import labels
from videos.console import navigation
from videos.listing.order import ListOrder
from videos.listing.search import LONGEST_SEARCH, NEAR, Search
from videos.models import PromptText, Task, UpstreamAccount
from videos.models.prompt_text import BACKWARDS
from videos.models.task import PUBLIC_PREFIX
from videos.models.task_indexes import PROMPT
from videos.requests.values import without_unstorable

MOST = 8
"""Results of each kind."""
LEAST_OF_ID = 4
"""Digits of a part of an id: with fewer there are too many matches to be of use."""
LEAST_OF_MIDDLE = 6
"""Digits of a part that is neither the beginning nor the end of an id, for which there is no index."""
LATEST_IDS = 20_000
"""Tasks whose ids are searched for such a part. With a million tasks on a slow machine it takes 16 ms, and
47 ms as long as these were not vacuumed."""
PROMPT_SHOWN = 90
_ID_LENGTH, _GROUPS_FROM_END = 32, (12, 4, 4, 4, 8)
"""Digits of an id, and of its groups as PostgreSQL writes them, the last one first."""
_ID = re.compile(rf"[0-9a-f]{{{LEAST_OF_ID},{_ID_LENGTH}}}")
MIDDLE_OF_ID = """
SELECT id FROM (SELECT id FROM videos_task ORDER BY id DESC LIMIT %s) latest
WHERE replace(id::text, '-', '') LIKE %s ORDER BY id DESC LIMIT %s
"""
_KEY = re.compile(r"[0-9A-Za-z_]{4,}")
_UPSTREAM_ID = re.compile(r"(?=\S*[0-9])\S{8,}")
_LONGEST_PREFIX = 16
"""Characters of the column of prefixes."""


@dataclass(frozen=True)
class Result:
    """One link, with what tells it from the others."""

    url: str
    title: str
    detail: str = ""
    chip: SafeString | str = ""


@dataclass(frozen=True)
class Group:
    """The results of one kind."""

    title: str | Promise
    results: list[Result]


@dataclass(frozen=True)
class Question:
    """What is searched for, and by whom; each kind is searched only if the person may view it."""

    request: HttpRequest
    text: str

    def groups(self) -> Iterator[Group]:
        """The kinds with results."""
        kinds: tuple[tuple[str, type[Model] | None, Callable[[], list[Result]]], ...] = (
            (_("Pages of the console"), None, self._pages),
            (_("Tenants"), Tenant, self._tenants),
            (_("API keys"), APIKey, self._keys),
            (_("Tasks"), Task, self._tasks),
        )
        for title, model, search in kinds:
            if model is None or self._may_view(model):
                results = search()
                if results:
                    yield Group(title, results)

    @property
    def all_tasks(self) -> str:
        """The list of all tasks with these words; empty if the person may not view it."""
        page = reverse("admin:videos_task_changelist")
        return f"{page}?{urlencode({'q': self.text})}" if self._may_view(Task) else ""

    def _may_view(self, model: type[Model]) -> bool:
        return admin.site._registry[model].has_view_permission(self.request)

    def _pages(self) -> list[Result]:
        wanted = self.text.casefold()
        links = [link for group in navigation.items(self.request) for link in group["items"]]
        return [Result(one["link"], one["title"]) for one in links if wanted in one["title"].casefold()][
            :MOST
        ]

    def _tenants(self) -> list[Result]:
        found = Tenant.objects.filter(Q(name__icontains=self.text) | _with_id(self.text)).order_by("name")
        return [
            Result(reverse("admin:accounts_tenant_overview", args=[one.pk]), one.name, chip=state_chip(one))
            for one in found[:MOST]
        ]

    def _keys(self) -> list[Result]:
        """The keys of programs by their prefix or its beginning, with or without what all begin with."""
        if not _KEY.fullmatch(self.text):
            return []
        text = self.text[:_LONGEST_PREFIX]
        begins = Q(prefix__startswith=text) | Q(prefix__startswith=f"{keys.PREFIX}_{text}"[:_LONGEST_PREFIX])
        found = APIKey.objects.of_programs().filter(begins).select_related("tenant").order_by("prefix")
        return [
            Result(
                reverse("admin:accounts_apikey_change", args=[one.pk]),
                str(one),
                one.tenant.name,
                dated_chip(one, timezone.now()),
            )
            for one in found[:MOST]
        ]

    def _tasks(self) -> list[Result]:
        """By a part of the id or by the upstream id, then the latest ones with the words in the prompt."""
        ids = [*self._tasks_by_id(), *self._tasks_with_words()]
        shown: Any = Task.objects.filter(pk__in=ids).select_related("tenant").order_by("-pk")
        shown = shown.only("status", "model", "tenant__name").annotate(
            prompt_shown=Left(PROMPT, PROMPT_SHOWN)
        )
        rows = {task.pk: task for task in shown} if ids else {}
        return [_of_task(rows[one]) for one in dict.fromkeys(ids) if one in rows]

    def _tasks_by_id(self) -> list[UUID]:
        parts = [of_id_begin, of_id_end, of_upstream_id]
        found = [tasks for part in parts if (tasks := part(self.text)) is not None]
        ids = set(found[0].union(*found[1:], all=True)) if found else set()
        if len(ids) < MOST:
            ids.update(with_id_middle(self.text))
        return sorted(ids, reverse=True)[:MOST]

    def _tasks_with_words(self) -> list[UUID]:
        order = ListOrder(None, newest_first=True, by="")
        search = Search(self.text[:LONGEST_SEARCH], None, Task.objects.all(), Q(), order)
        return sorted(search.near().ids, reverse=True)[:MOST]


def page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The results, as a page or as the part of one that the dialog shows."""
    text = str(without_unstorable(request.GET.get("q", ""))).strip()
    question = Question(request, text)
    context = {
        "text": text,
        "groups": list(question.groups()) if text else [],
        "all_tasks": question.all_tasks if text else "",
        "least": {"end": LEAST_OF_ID, "middle": LEAST_OF_MIDDLE},
        "latest": {"ids": LATEST_IDS, "prompts": NEAR},
    }
    if "part" in request.GET:
        return TemplateResponse(request, "console/search_results.html", context)
    frame = {**site.each_context(request), "title": _("Search")}
    return TemplateResponse(request, "console/search.html", {**frame, **context})


def of_id_begin(text: str) -> "QuerySet[Any, UUID] | None":
    """The latest tasks whose id begins with the text; None if the text is no part of an id."""
    digits = _digits(text)
    return None if digits is None else _latest(Task.objects.filter(_begins(digits)))


def of_id_end(text: str) -> "QuerySet[Any, UUID] | None":
    """The tasks whose id ends with the text, unless pruned: the table of prompts has an index for it."""
    digits = _digits(text)
    if digits is None:
        return None
    backwards = _grouped(digits[::-1])
    ending = PromptText.objects.annotate(backwards=BACKWARDS).filter(backwards__startswith=backwards)
    return ending.order_by().values_list("task_id", flat=True)[:MOST]


def with_id_middle(text: str) -> list[UUID]:
    """Of the latest tasks, those with the text anywhere in their id."""
    digits = _digits(text)
    if digits is None or not LEAST_OF_MIDDLE <= len(digits) <= _ID_LENGTH - 2:
        return []
    with connection.cursor() as cursor:
        cursor.execute(MIDDLE_OF_ID, [LATEST_IDS, f"%{digits}%", MOST])
        return [task_id for (task_id,) in cursor.fetchall()]


def of_upstream_id(text: str) -> "QuerySet[Any, UUID] | None":
    """The task that the provider knows by that id, on any account: the index begins with the account."""
    if not _UPSTREAM_ID.fullmatch(text):
        return None
    accounts = UpstreamAccount.objects.values("pk")
    tasks = Task.objects.filter(account__in=accounts, upstream_task_id=text)
    return tasks.order_by().values_list("pk", flat=True)[:MOST]


def _latest(tasks: "QuerySet[Task]") -> "QuerySet[Any, UUID]":
    return tasks.order_by("-pk").values_list("pk", flat=True)[:MOST]


def _digits(text: str) -> str | None:
    """The hexadecimal digits of a part of an id, written with or without its prefix and dashes."""
    digits = text.lower().removeprefix(PUBLIC_PREFIX).replace("-", "")
    return digits if _ID.fullmatch(digits) else None


def _grouped(backwards: str) -> str:
    """The digits with dashes, from the end of an id."""
    starts = accumulate(_GROUPS_FROM_END, initial=0)
    groups = (backwards[start : start + size] for start, size in zip(starts, _GROUPS_FROM_END, strict=False))
    return "-".join(filter(None, groups))


def _begins(digits: str) -> Q:
    """The rows whose primary key begins with these digits, as a range."""
    return Q(pk__gte=UUID(hex=digits.ljust(_ID_LENGTH, "0")), pk__lte=UUID(hex=digits.ljust(_ID_LENGTH, "f")))


def _with_id(text: str) -> Q:
    digits = _digits(text)
    return Q(pk__in=()) if digits is None else _begins(digits)


def _of_task(task: Any) -> Result:
    return Result(
        reverse("admin:videos_task_change", args=[task.pk]),
        task.prompt_shown or task.public_id,
        f"{task.tenant.name} · {task.model} · {task.public_id}",
        labels.chip_of(task.status),
    )
