"""What staff with a single permission can open and send in the console: every route, in one table."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import audit
from accounts.members import invitations
from accounts.models import AuditPlace, Role, Tenant, User
from tests.api.test_files_in_requests import uploaded
from tests.conftest import NOW, Caller, MakeTask
from tests.support.console import Person
from tests.support.rows import check_each
from videos import queueing
from videos.billing import ledger
from videos.models import File, Price, PriceList, TaskEvent
from videos.results import files
from videos.states import Status

PERMISSIONS = ("view", "add", "change", "delete")
TABLE = """
accounts_apikey_add                       no     yes    no     no
accounts_apikey_change                    look   no     yes    no
accounts_apikey_changelist                yes    no     yes    no
accounts_apikey_delete                    no     no     no     no
accounts_apikey_export                    yes    no     yes    no
accounts_apikey_history                   yes    no     yes    no
accounts_apikey_made                      no     yes    no     no
accounts_apikey_revoke                    no     no     yes    no
accounts_invitation_add                   no     no     no     no
accounts_invitation_change                look   no     look   no
accounts_invitation_changelist            yes    no     yes    no
accounts_invitation_delete                no     no     no     no
accounts_invitation_export                yes    no     yes    no
accounts_invitation_history               yes    no     yes    no
accounts_auditentry_add                  no     no     no     no
accounts_auditentry_change               look   no     look   no
accounts_auditentry_changelist           yes    no     yes    no
accounts_auditentry_delete               no     no     no     no
accounts_auditentry_export               yes    no     yes    no
accounts_auditentry_history              yes    no     yes    no
accounts_tenant_add                       no     yes    no     no
accounts_tenant_bucket                    no     no     no     no
accounts_tenant_change                    look   no     yes    no
accounts_tenant_changelist                yes    no     yes    no
accounts_tenant_csv                       no     no     no     no
accounts_tenant_delete                    no     no     no     no
accounts_tenant_export                    yes    no     yes    no
accounts_tenant_history                   yes    no     yes    no
accounts_tenant_invite                    no     no     yes    no
accounts_tenant_overview                  look   no     look   no
accounts_tenant_statement                 no     no     no     no
accounts_tenant_suspension                no     no     yes    no
accounts_user_add                         no     no     no     no
accounts_user_change                      look   no     look   no
accounts_user_changelist                  yes    no     yes    no
accounts_user_delete                      no     no     no     no
accounts_user_export                      yes    no     yes    no
accounts_user_history                     yes    no     yes    no
auth_group_add                            no     no     no     no
auth_group_change                         look   no     look   no
auth_group_changelist                     yes    no     yes    no
auth_group_delete                         no     no     no     no
auth_group_export                         yes    no     yes    no
auth_group_history                        yes    no     yes    no
procrastinate_procrastinatejob_add        no     no     no     no
procrastinate_procrastinatejob_change     look   no     look   no
procrastinate_procrastinatejob_changelist yes    no     yes    no
procrastinate_procrastinatejob_delete     no     no     no     no
procrastinate_procrastinatejob_export     yes    no     yes    no
procrastinate_procrastinatejob_history    yes    no     yes    no
videos_ledgerentry_add                    no     yes    no     no
videos_ledgerentry_change                 look   no     look   no
videos_ledgerentry_changelist             yes    no     yes    no
videos_ledgerentry_delete                 no     no     no     no
videos_ledgerentry_export                 yes    no     yes    no
videos_ledgerentry_history                yes    no     yes    no
videos_price_add                          no     yes    no     no
videos_price_change                       look   no     yes    no
videos_price_changelist                   yes    no     yes    no
videos_price_delete                       no     no     no     yes
videos_price_export                       yes    no     yes    no
videos_price_history                      yes    no     yes    no
videos_price_table                        yes    no     yes    no
videos_pricelist_add                      no     yes    no     no
videos_pricelist_change                   look   no     yes    no
videos_pricelist_changelist               yes    no     yes    no
videos_pricelist_delete                   no     no     no     yes
videos_pricelist_export                   yes    no     yes    no
videos_pricelist_history                  yes    no     yes    no
videos_task_add                           no     yes    no     no
videos_task_change                        yes    no     yes    no
videos_task_changelist                    yes    no     yes    no
videos_task_decide                        no     no     yes    no
videos_task_delete                        no     no     no     no
videos_task_export                        yes    no     yes    no
videos_task_history                       yes    no     yes    no
videos_task_picture                       no     yes    no     no
videos_task_poster                        yes    no     yes    no
videos_task_preview                       yes    no     yes    no
videos_taskevent_add                      no     no     no     no
videos_taskevent_change                   look   no     look   no
videos_taskevent_changelist               yes    no     yes    no
videos_taskevent_delete                   no     no     no     no
videos_taskevent_export                   yes    no     yes    no
videos_taskevent_history                  yes    no     yes    no
videos_upstreamaccount_add                no     yes    no     no
videos_upstreamaccount_change             look   no     yes    no
videos_upstreamaccount_changelist         yes    no     yes    no
videos_upstreamaccount_check              no     no     send   no
videos_upstreamaccount_delete             no     no     no     yes
videos_upstreamaccount_export             yes    no     yes    no
videos_upstreamaccount_history            yes    no     yes    no
videos_upstreamaccount_restore            no     no     send   no
auth_user_password_change                 no     no     no     no
"""
"""The access that each permission of the model alone gives.

`no`: none; `look`: the page without a form; `yes`: the page and its form; `send`: the form only.
"""

OF_NO_MODEL = {
    "index", "login", "logout", "password_change", "password_change_done", "jsi18n", "autocomplete", "search",
    "view_on_site", "app_list",
}  # fmt: skip
"""Routes without a model; the dashboard and the search show what the person may view."""
SENT = {
    "delete": {"post": "yes", "reason": "because"},
    "decide": {"reason": "because", "mark": "succeeded:0"},
    "restore": {"reason": "because"},
}
"""Form data of some routes; the others are sent nothing."""


def _cells() -> dict[str, dict[str, str]]:
    rows = (line.split() for line in TABLE.strip().splitlines())
    return {route: dict(zip(PERMISSIONS, words, strict=True)) for route, *words in rows}


CELLS = _cells()
WORDS: dict[tuple[bool, ...], str] = {
    (False, False): "no",
    (True, False): "look",
    (True, True): "yes",
    (False, True): "send",
}


def _routes(resolver: URLResolver) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern)
        elif pattern.name:  # routes without a name are old addresses
            yield pattern.name


def _routes_of_console() -> set[str]:
    (console,) = (one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    assert isinstance(console, URLResolver)
    return {*_routes(console)} - OF_NO_MODEL


def _model(route: str) -> type[Model]:
    named = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
    return User if route == "auth_user_password_change" else named[route.rsplit("_", 1)[0]]


@pytest.fixture
def things(owner: Caller, make_task: MakeTask) -> dict[type[Model], Model]:
    boss = User.objects.create_superuser("boss")
    uploaded(owner)
    task = make_task(Status.SUCCEEDED, has_poster=True, has_preview=True)
    files.save_pictures(task, b"a still", b"a preview")
    TaskEvent.objects.create(task=task, at=NOW, verb="succeed", status="succeeded")
    quota = audit.About.QUOTA.named(owner.tenant)
    audit.record(audit.Author(boss, AuditPlace.CONSOLE), quota, "So.", {}, {"a": 1}, NOW, owner.tenant)
    invitations.invite(owner.tenant, "x@people.example", Role.VIEWER, boss, NOW)
    ledger.top_up(owner.tenant, Decimal(5), boss, "paid", NOW)
    queueing.enqueue(queueing.Job.STORE, task_id=str(task.pk))
    Group.objects.create(name="clerks")
    PriceList.objects.create(name="VIP")
    Price.objects.create(model="GV-3.1-720p", per_second=1, valid_from=timezone.now() + timedelta(days=1))
    return {model: model._default_manager.order_by("-pk")[0] for model in admin.site._registry}


PLACES: dict[str, Callable[[Any], list[Any]]] = {
    "add": lambda _: [],
    "changelist": lambda _: [],
    "table": lambda _: [],
    "export": lambda _: [],
    "decide": lambda thing: [thing.pk, "cancel_by_hand"],
    "made": lambda _: [uuid4()],
    "csv": lambda tenant: [tenant.pk, "statement"],
    "picture": lambda _: [(file := File.objects.get()).tenant_id, file.public_id],
}
"""Arguments of a route, by its last word; by default the row."""


def _answers(person: Person, route: str, thing: Model) -> Iterator[bool]:
    """Whether the person can open the route, and whether they can send its form."""
    last_word = route.rsplit("_", 1)[1]
    address = reverse(f"admin:{route}", args=PLACES.get(last_word, lambda thing: [thing.pk])(thing))
    for method, sent in (("get", {}), ("post", SENT.get(last_word, {}))):
        with transaction.atomic():
            answer = getattr(person.client, method)(address, sent)
            b"".join(answer)  # read to the end, which closes files
            transaction.set_rollback(True)
        yield answer.status_code in (200, 302)


def _person(model: type[Model], permission: str) -> Person:
    kind = ContentType.objects.get_for_model(model)
    allowed = Permission.objects.get(content_type=kind, codename=f"{permission}_{model._meta.model_name}")
    person = Person(allowed.codename, allowed.codename)
    person.user.user_permissions.set([allowed])
    return person


def test_every_route_of_the_console_is_in_the_table() -> None:
    assert sorted(CELLS) == sorted(_routes_of_console())


MODELS = sorted({_model(route) for route in CELLS}, key=lambda model: model._meta.label)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_one_permission_allows_exactly_what_the_table_says(
    model: type[Model], things: dict[type[Model], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {permission: _person(model, permission) for permission in PERMISSIONS}

    def holds(route: str) -> None:
        answers = {name: tuple(_answers(person, route, things[model])) for name, person in people.items()}
        assert {name: WORDS[found] for name, found in answers.items()} == CELLS[route]

    check_each([route for route in CELLS if _model(route) is model], holds)


def test_without_a_permission_everything_is_forbidden(things: dict[type[Model], Model]) -> None:
    of_tenants, of_prices = _person(Tenant, "view"), _person(Price, "view")

    def holds(route: str) -> None:
        model = _model(route)
        other = of_prices if model is Tenant else of_tenants
        assert [*_answers(other, route, things[model])] == [False, False]

    check_each(CELLS, holds)
