"""Tenants cannot see each other: every route, method and kind of caller, in one table."""

import io
import json
import re
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db.models import Model
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from django.views import View

from accounts.members import invitations
from accounts.models import (
    APIKey,
    CosBucket,
    Invitation,
    Membership,
    Quota,
    Role,
    Scope,
    Standing,
    Tenant,
    User,
)
from config import stores
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask
from tests.support import uploads
from tests.support.people import Browser, make_person, text
from tests.support.refusals import UNKNOWN_ID, assert_refused, assert_request_id
from tests.support.rows import check_each, rolled_back
from videos.files import storing
from videos.models import DailyUsage, File, IdempotencyKey, LedgerEntry, RefusedCreate, Task, UpstreamAccount
from videos.results import files
from videos.states import Status

ANSWERS: dict[str, tuple[int, str | None]] = {
    "done": (200, None),
    "unknown": (401, "invalid_api_key"),
    "denied": (403, "permission_denied"),
    "no-task": (404, "task_not_exist"),
    "no-model": (404, "model_not_found"),
    "no-file": (404, "file_not_exist"),
    "no-bucket": (404, "bucket_not_set"),
    "no-remix": (400, "invalid_request"),
}
"""Status and code by the table's words."""

TABLE = """
                          owner mate limited  stranger scopeless elsewhere nobody  revoked expired suspended
POST   videos             done  done denied   done     denied    denied    unknown unknown unknown unknown
POST   videos-generations done  done denied   done     denied    denied    unknown unknown unknown unknown
POST   video-generations  done  done denied   done     denied    denied    unknown unknown unknown unknown
POST   validate           done  done denied   done     denied    denied    unknown unknown unknown unknown
GET    videos             done  done done     done     denied    denied    unknown unknown unknown unknown
HEAD   videos             done  done done     done     denied    denied    unknown unknown unknown unknown
GET    video              done  done done     no-task  denied    denied    unknown unknown unknown unknown
HEAD   video              done  done done     no-task  denied    denied    unknown unknown unknown unknown
DELETE video              done  done done     no-task  denied    denied    unknown unknown unknown unknown
GET    generation         done  done done     no-task  denied    denied    unknown unknown unknown unknown
HEAD   generation         done  done done     no-task  denied    denied    unknown unknown unknown unknown
DELETE generation         done  done done     no-task  denied    denied    unknown unknown unknown unknown
GET    new-api            done  done done     no-task  denied    denied    unknown unknown unknown unknown
HEAD   new-api            done  done done     no-task  denied    denied    unknown unknown unknown unknown
DELETE new-api            done  done done     no-task  denied    denied    unknown unknown unknown unknown
GET    content            done  done done     no-task  denied    denied    unknown unknown unknown unknown
HEAD   content            done  done done     no-task  denied    denied    unknown unknown unknown unknown
POST   remix              no-remix no-remix no-remix no-task denied denied unknown unknown unknown unknown
POST   generation-remix   no-remix no-remix no-remix no-task denied denied unknown unknown unknown unknown
POST   new-api-remix      no-remix no-remix no-remix no-task denied denied unknown unknown unknown unknown
POST   files              done  done done     done     denied    denied    unknown unknown unknown unknown
GET    files              done  done done     done     denied    denied    unknown unknown unknown unknown
HEAD   files              done  done done     done     denied    denied    unknown unknown unknown unknown
GET    file               done  done done     no-file  denied    denied    unknown unknown unknown unknown
HEAD   file               done  done done     no-file  denied    denied    unknown unknown unknown unknown
DELETE file               done  done done     no-file  denied    denied    unknown unknown unknown unknown
GET    file-content       done  done done     no-file  denied    denied    unknown unknown unknown unknown
HEAD   file-content       done  done done     no-file  denied    denied    unknown unknown unknown unknown
GET    usage              done  done done     done     denied    denied    unknown unknown unknown unknown
HEAD   usage              done  done done     done     denied    denied    unknown unknown unknown unknown
GET    account            done  done done     done     denied    denied    unknown unknown unknown unknown
HEAD   account            done  done done     done     denied    denied    unknown unknown unknown unknown
POST   bucket-check       done  done done     no-bucket denied   denied    unknown unknown unknown unknown
GET    models             done  done done     done     denied    denied    unknown unknown unknown unknown
HEAD   models             done  done done     done     denied    denied    unknown unknown unknown unknown
GET    model              done  done no-model done     denied    denied    unknown unknown unknown unknown
GET    openapi            done done done done done done done done done done
HEAD   openapi            done done done done done done done done done done
HEAD   model              done  done no-model done     denied    denied    unknown unknown unknown unknown
"""
"""The answer to each caller on routes of videos, of a finished video of Alice's, and of models."""

PATHS = {
    "videos": "/v1/videos",
    "videos-generations": "/v1/videos/generations",
    "video-generations": "/v1/video/generations",
    "validate": "/v1/videos/validate",
    "video": "/v1/videos/{id}",
    "generation": "/v1/videos/generations/{id}",
    "new-api": "/v1/video/generations/{id}",
    "content": "/v1/videos/{id}/content",
    "remix": "/v1/videos/{id}/remix",
    "generation-remix": "/v1/videos/generations/{id}/remix",
    "new-api-remix": "/v1/video/generations/{id}/remix",
    "files": "/v1/files",
    "file": "/v1/files/{id}",
    "file-content": "/v1/files/{id}/content",
    "usage": "/v1/usage",
    "account": "/v1/account",
    "bucket-check": "/v1/account/bucket/check",
    "openapi": "/v1/openapi.json",
    "models": "/v1/models",
    "model": f"/v1/models/{GOOD_BODY['model']}",
}
OF_ONE_FILE = {"file", "file-content"}
REFUSED = {"remix", "generation-remix", "new-api-remix"}
"""Routes that only say what to use instead."""
OUTSIDE = {"admin/", "docs/api/", "language/", "tencent/", r"^docs(?:/(?P<path>.*))?$"}
"""Routes without a tenant in their path; those of signed requests are in `tests/dialects`."""
OF_PEOPLE = {"", "portal/<uuid:tenant_id>/"}
"""Prefixes of the routes of pages."""
PUBLIC = {"openapi"}
"""Routes that need no key."""
SCOPES = {"GET": Scope.READ, "HEAD": Scope.READ, "POST": Scope.WRITE, "DELETE": Scope.WRITE}
"""The scope each method needs."""
MANAGED = {"bucket-check"}
"""Routes that need the scope for managing the account instead."""


def scope_of(method: str, route: str) -> Scope:
    """Of a public route, one that a key may lack."""
    return Scope.MANAGE if route in MANAGED else SCOPES[method]


@pytest.fixture(autouse=True)
def all_scopes(owner: Caller, stranger: Caller) -> None:
    """Keys that may do everything: what they get is decided by whose they are."""
    APIKey.objects.update(scopes=[*Scope])


@pytest.fixture
def bucket(owner: Caller, settings: LazySettings, tmp_path: Path) -> None:
    """A bucket of Alice's; it is a folder."""
    settings.BUCKET_URL = f"{tmp_path.as_uri()}/{{bucket}}"
    place = {"bucket": "films-1250000000", "region": "ap-guangzhou"}
    CosBucket.objects.create(tenant=owner.tenant, **place, secret_id="AKIDalice", secret_key="s")


def cells(table: str) -> Iterator[tuple[str, str, str, str]]:
    """Method, route, caller and answer of each cell of the table."""
    callers, *rows = (row.split() for row in table.strip().splitlines())
    for method, route, *words in rows:
        for caller, word in zip(callers, words, strict=True):
            yield method, route, caller, word


CELLS = list(cells(TABLE))
REQUESTS = list(dict.fromkeys((method, route) for method, route, _, _ in CELLS))
OF_ONE_VIDEO = [
    (method, route) for method, route in REQUESTS if "{id}" in PATHS[route] and route not in OF_ONE_FILE
]


# --- completeness of the table


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[URLPattern, str]]:
    for pattern in resolver.url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        else:
            yield pattern, route


def _resolver(prefix: str) -> URLResolver:
    (found,) = (one for one in get_resolver().url_patterns if str(one.pattern) == prefix)
    assert isinstance(found, URLResolver)
    return found


def test_every_route_of_the_api_is_in_the_table() -> None:
    named = [str(pattern.name) for pattern, _ in _routes(_resolver("v1/"))]
    assert sorted(named) == sorted({route for _, route in REQUESTS}) == sorted(PATHS)
    for name, path in PATHS.items():
        assert get_resolver().resolve(path.format(id=UNKNOWN_ID)).url_name == name


@pytest.mark.parametrize("route", PATHS)
def test_every_method_of_a_route_is_in_the_table(route: str, owner: Caller, nobody: Caller) -> None:
    path = PATHS[route].format(id=UNKNOWN_ID)
    for method in [*map(str.upper, View.http_method_names), "CONNECT", "BREW"]:
        for caller in (owner, nobody):
            is_allowed = caller.request(method, path).status_code != 405
            assert is_allowed is ((method, route) in REQUESTS), method


def test_every_other_route_is_listed() -> None:
    known = OUTSIDE | OF_PEOPLE | {"v1/"}
    assert {str(pattern.pattern) for pattern in get_resolver().url_patterns} == known


# --- answers


def _another(owner: Caller, **fields: Any) -> Caller:
    """A client with another key of Alice's."""
    key, text = APIKey.objects.mint(owner.tenant, "another", **{"scopes": [*Scope], **fields})
    return Caller(text, key)


def _revoked(owner: Caller) -> Caller:
    caller = _another(owner)
    assert caller.key is not None
    caller.key.revoke(timezone.now())
    return caller


def _suspended(owner: Caller) -> Caller:
    owner.tenant.suspend(timezone.now())
    return _another(owner)


MAKE: dict[str, Callable[[Caller, Scope], Caller]] = {
    "owner": lambda owner, _: owner,
    "mate": lambda owner, _: _another(owner),
    "limited": lambda owner, _: _another(owner, allowed_models=["GV-3.1-720p"]),
    "scopeless": lambda owner, scope: _another(owner, scopes=sorted({*Scope} - {scope})),
    "elsewhere": lambda owner, _: _another(owner, allowed_networks=["203.0.113.0/24", "2001:db8::/32"]),
    "nobody": lambda *_: Caller(None),
    "revoked": lambda owner, _: _revoked(owner),
    "expired": lambda owner, _: _another(owner, expires_at=timezone.now()),
    "suspended": lambda owner, _: _suspended(owner),
}
"""The callers except the stranger: keys of Alice's, some of them invalid or without permission."""


@pytest.fixture
def video(make_task: MakeTask, results_folder: Path) -> Task:
    """A finished video of Alice's with its files, and an uploaded file with the same digits."""
    task = make_task(Status.SUCCEEDED, has_poster=True, has_preview=True)
    path = results_folder / task.media_name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a video")
    files.save_pictures(task, b"a still", b"a preview")
    tenant, kept_until = task.tenant, NOW + timedelta(days=1)
    file = File(pk=task.pk, tenant=tenant, state="stored", kind="png", name="a.png", bytes=6, created_at=NOW)
    file.expires_at = kept_until
    file.save(force_insert=True)
    stores.results().put(storing.object_key(file), io.BytesIO(b"a file"), "")
    return task


def ask(caller: Caller, method: str, route: str, identity: str, query: str = "", **headers: Any) -> Any:
    """Send the request, with a valid body if one is needed."""
    if route in OF_ONE_FILE:
        identity = identity.replace("task_", "file_")
    sent = {"data": json.dumps(GOOD_BODY), "content_type": "application/json"} if method == "POST" else {}
    if route == "files" and method == "POST":
        sent = uploads.sent(uploads.form(uploads.picture()))
    return caller.request(method, PATHS[route].format(id=identity) + query, **sent, **headers)


def content(answer: HttpResponse) -> bytes:
    """The body, streamed or not."""
    if isinstance(answer, StreamingHttpResponse):
        streamed: bytes = answer.getvalue()
        return streamed
    return answer.content


def everything() -> list[Any]:
    """All rows a request could change, except the last use of keys."""
    models: list[type[Model]] = [Task, LedgerEntry, DailyUsage, IdempotencyKey, RefusedCreate, Standing, File]
    return [list(model._default_manager.order_by("pk").values()) for model in models]


@pytest.mark.parametrize(("method", "route"), REQUESTS)
def test_each_caller_gets_the_answer_of_the_table(
    method: str, route: str, owner: Caller, stranger: Caller, video: Task, bucket: None
) -> None:
    def is_answered(cell: tuple[str, str, str, str]) -> None:
        _is_answered(*cell, owner, stranger, video)

    check_each([cell for cell in CELLS if cell[:2] == (method, route)], rolled_back(is_answered))


def _is_answered(
    method: str, route: str, who: str, word: str, owner: Caller, stranger: Caller, video: Task
) -> None:
    caller = stranger if who == "stranger" else MAKE[who](owner, scope_of(method, route))
    status, code = ANSWERS[word]
    before = everything()
    answer = ask(caller, method, route, video.public_id)
    assert answer.status_code == status, answer
    assert_request_id(answer)
    if method == "HEAD":
        assert content(answer) == b""
    elif code:
        assert_refused(answer, status, code)
    else:
        assert content(answer)
    if status != 200 or method in ("GET", "HEAD") or route == "validate":
        assert everything() == before


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
def test_a_key_limited_to_networks_works_from_them(
    address: str, owner: Caller, video: Task, bucket: None
) -> None:
    caller = MAKE["elsewhere"](owner, Scope.READ)
    for method, route in REQUESTS:
        if method != "DELETE":
            answer = ask(caller, method, route, video.public_id, REMOTE_ADDR=address)
            assert answer.status_code == (400 if route in REFUSED else 200)
            b"".join(answer)  # read to the end, which closes files


# --- foreign ids look unknown


def same(one: HttpResponse, other: HttpResponse) -> bool:
    """Whether the answers are the same except for their request ids."""

    def seen(answer: HttpResponse) -> tuple[Any, ...]:
        headers = {name.lower(): value for name, value in answer.items() if name.lower() != "x-request-id"}
        return answer.status_code, answer.content, headers, answer.cookies.output()

    return seen(one) == seen(other)


@pytest.mark.parametrize(("method", "route"), OF_ONE_VIDEO)
def test_a_foreign_id_and_an_unknown_one_get_the_same_answer(
    method: str, route: str, stranger: Caller, make_task: MakeTask, video: Task
) -> None:
    tasks = [*(make_task(status) for status in Status), make_task(Status.FAILED, hidden_at=NOW), video]
    before = everything()
    unknown = ask(stranger, method, route, UNKNOWN_ID)
    assert unknown.status_code == 404
    for task in tasks:
        assert same(ask(stranger, method, route, task.public_id), unknown), task.status
    assert everything() == before


@pytest.mark.parametrize(("method", "route"), OF_ONE_VIDEO)
def test_a_deleted_id_and_an_unknown_one_get_the_same_answer(
    method: str, route: str, owner: Caller, make_task: MakeTask
) -> None:
    hidden = make_task(Status.SUCCEEDED, hidden_at=NOW)
    unknown = ask(owner, method, route, UNKNOWN_ID)
    assert unknown.status_code == 404
    assert same(ask(owner, method, route, hidden.public_id), unknown)


@pytest.mark.parametrize("who", ["scopeless", "elsewhere", "nobody", "revoked", "expired", "suspended"])
def test_a_refused_caller_does_not_learn_which_ids_exist(who: str, owner: Caller, video: Task) -> None:
    for method, route in OF_ONE_VIDEO:
        caller = MAKE[who](owner, scope_of(method, route))
        known, unknown = (ask(caller, method, route, identity) for identity in (video.public_id, UNKNOWN_ID))
        assert known.status_code in (401, 403)
        assert same(known, unknown)


@pytest.mark.parametrize(
    "query", ["?after={id}", "?after={id}&order=asc", "?after={id}&status=completed&limit=1"]
)
def test_a_foreign_cursor_and_an_unknown_one_get_the_same_answer(
    query: str, stranger: Caller, video: Task
) -> None:
    foreign, unknown = (
        ask(stranger, "GET", "videos", "", query.format(id=identity))
        for identity in (video.public_id, UNKNOWN_ID)
    )
    assert_refused(unknown, 400, "invalid_request")
    assert same(foreign, unknown)


@pytest.mark.parametrize("shape", ["json", "csv"])
@pytest.mark.parametrize("group_by", ["day", "api_key", "day,model,api_key"])
def test_usage_by_a_foreign_key_and_by_an_unknown_one_get_the_same_answer(
    group_by: str, shape: str, owner: Caller, stranger: Caller, video: Task
) -> None:
    assert owner.key is not None
    period = f"?start_date={NOW:%Y-%m-01}&end_date={NOW:%Y-%m-%d}&group_by={group_by}&format={shape}"
    assert b"owner" in owner.get(f"/v1/usage{period}").content or group_by == "day"
    foreign, unknown = (
        stranger.get(f"/v1/usage{period}&api_key={prefix}") for prefix in (owner.key.prefix, "rly_00000000")
    )
    assert unknown.status_code == 200
    assert same(foreign, unknown)


def test_a_link_opens_only_its_own_video(
    owner: Caller, nobody: Caller, make_task: MakeTask, video: Task
) -> None:
    link = urlsplit(owner.get(f"/v1/videos/{video.public_id}").json()["metadata"]["url"])
    own = nobody.get(f"{link.path}?{link.query}")
    assert (own.status_code, content(own)) == (200, b"a video")
    other = make_task(Status.SUCCEEDED)
    answers = [
        nobody.get(f"/v1/videos/{name}/content?{link.query}") for name in (other.public_id, UNKNOWN_ID)
    ]
    assert_refused(answers[0], 403, "permission_denied")
    assert same(*answers)


# --- data in answers

WHOLE_MONTH = f"?start_date={NOW:%Y-%m-01}&end_date={NOW:%Y-%m-28}"
QUERIES = {
    "videos": [
        "",
        "?limit=100&order=asc",
        "?status=queued",
        f"?model={GOOD_BODY['model']}",
        "?created_after=0",
    ],
    "usage": ["", "?group_by=day,model,api_key", "?format=csv&group_by=api_key", WHOLE_MONTH],
}
"""Queries of the lists."""


def answers(caller: Caller, methods: Collection[str], identities: Collection[str]) -> Iterator[str]:
    """All answers, with headers, to a caller who uses those ids on every route."""
    for method, route in REQUESTS:
        queries = QUERIES.get(route, [""]) if method == "GET" else [""]
        named = identities if "{id}" in PATHS[route] else [""]
        for identity, query in product(named, queries):
            if method in methods:
                answer = ask(caller, method, route, identity, query)
                yield f"{content(answer).decode()} {dict(answer.items())}"


def _known(owner: Caller, names: Collection[str]) -> set[str]:
    """Everything the API shows Alice about herself, her keys and her videos."""
    keys = APIKey.objects.filter(tenant=owner.tenant).values_list("prefix", flat=True)
    videos = {task.public_id for task in Task.objects.filter(tenant=owner.tenant)}
    return {owner.tenant.name, "a purple cat", *names, *keys, *videos}


def _secret(owner: Caller) -> set[str]:
    """Everything not even Alice may see."""
    parts = Task.objects.filter(tenant=owner.tenant).values_list("id", "media_name", "upstream_task_id")
    return {str(part) for row in parts for part in row if part} | {str(owner.text), str(owner.tenant.pk)}


def test_no_answer_contains_data_of_another_tenant(
    owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount, make_task: MakeTask, video: Task
) -> None:
    programs = {"the render farm": owner, "the night shift": mate}
    for name, caller in programs.items():
        assert caller.key is not None
        APIKey.objects.filter(pk=caller.key.pk).update(name=name)
        body = GOOD_BODY | {"prompt": "a purple cat"}
        assert caller.post("/v1/videos", body, HTTP_IDEMPOTENCY_KEY=f"first of {name}").status_code == 200
    for status in Status:
        make_task(status, request=body)
    known, secret = _known(owner, programs), _secret(owner)
    identities = [task.public_id for task in Task.objects.all()]
    shown = " ".join(answers(owner, ["GET"], identities))
    assert [word for word in known if word not in shown] == [word for word in secret if word in shown] == []
    for answer in answers(stranger, SCOPES, identities):
        assert [word for word in known | secret if word in answer] == []


def test_actions_of_a_tenant_change_nothing_another_one_sees(
    owner: Caller, stranger: Caller, account: UpstreamAccount, make_task: MakeTask
) -> None:
    def seen() -> list[str]:
        return [content(ask(stranger, "GET", route, "", query)).decode() for route, query in lists]

    lists = [(route, query) for route in ("videos", "usage") for query in QUERIES[route]] + [("account", "")]
    before = seen()
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=0, spend_per_month=9, is_prepaid=True)
    for status in Status:
        make_task(status, price=3, now=timezone.now())
    owner.post("/v1/videos", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="0")
    Standing.objects.filter(tenant=owner.tenant).update(balance=5, held=4, day_spend=3, month_seconds=2)
    assert seen() == before
    assert stranger.post("/v1/videos", GOOD_BODY).status_code == 200


# --- replays and retries

BODIES = {"the same body": GOOD_BODY, "another body": GOOD_BODY | {"prompt": "a dog sleeps"}}


def _made(answer: HttpResponse) -> str:
    """The id of a new task; checks that it is no replay."""
    assert answer.status_code == 200, answer.content
    assert "idempotent-replayed" not in answer.headers
    identity: str = json.loads(answer.content)["id"]
    return identity


def _replayed(answer: HttpResponse) -> str:
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")
    identity: str = json.loads(answer.content)["id"]
    return identity


@pytest.mark.parametrize("body", BODIES)
def test_an_idempotency_key_applies_only_to_its_tenant(
    body: str, owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    headers = {"HTTP_IDEMPOTENCY_KEY": "the same key"}
    hers = _made(owner.post("/v1/videos", GOOD_BODY, **headers))
    his = _made(stranger.post("/v1/videos", BODIES[body], **headers))
    assert _replayed(mate.post("/v1/videos", GOOD_BODY, **headers)) == hers
    assert _replayed(stranger.post("/v1/videos", BODIES[body], **headers)) == his
    assert Task.objects.get(pk=his.removeprefix("task_")).tenant == stranger.tenant
    assert hers != his


def test_a_retry_without_idempotency_key_never_returns_a_task_of_another_key(
    owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    retry = {"HTTP_X_STAINLESS_RETRY_COUNT": "1"}
    hers = _made(owner.post("/v1/videos", GOOD_BODY))
    others = {_made(caller.post("/v1/videos", GOOD_BODY, **retry)) for caller in (mate, stranger)}
    assert len(others | {hers}) == 3
    assert _replayed(owner.post("/v1/videos", GOOD_BODY, **retry)) == hers


def test_a_refusal_of_one_tenant_does_not_affect_anothers_retry(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    his = _made(stranger.post("/v1/videos", GOOD_BODY))
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=0)
    assert owner.post("/v1/videos", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="0").status_code == 429
    assert _replayed(stranger.post("/v1/videos", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="1")) == his


# --- pages

PAGES = """
                                   owner  member viewer stranger loner  staff  nobody
GET  people:home                   there  there  there  there    there  there  log-in
GET  people:log-in                 there  there  there  there    there  there  page
POST people:log-in                 page   page   page   page     page   page   page
GET  people:log-in-code            log-in log-in log-in log-in   log-in log-in log-in
POST people:log-in-code            log-in log-in log-in log-in   log-in log-in log-in
POST people:log-out                log-in log-in log-in log-in   log-in log-in log-in
GET  people:forgotten              page   page   page   page     page   page   page
POST people:forgotten              page   page   page   page     page   page   page
GET  people:reset-sent             page   page   page   page     page   page   page
GET  people:reset                  page   page   page   page     page   page   page
POST people:reset                  page   page   page   page     page   page   page
GET  people:profile                page   page   page   page     page   page   log-in
POST people:profile                there  there  there  there    there  there  log-in
GET  people:email                  page   page   page   page     page   page   log-in
POST people:email                  page   page   page   page     page   page   log-in
GET  people:confirm-email          hidden hidden hidden hidden   hidden hidden log-in
POST people:confirm-email          hidden hidden hidden hidden   hidden hidden log-in
GET  people:password               page   page   page   page     page   page   log-in
POST people:password               page   page   page   page     page   page   log-in
GET  people:second-factor          page   page   page   page     page   page   log-in
GET  people:recovery-codes         there  there  there  there    there  there  log-in
POST people:recovery-codes         there  there  there  there    there  there  log-in
GET  people:sessions               page   page   page   page     page   page   log-in
POST people:sessions               there  there  there  there    there  there  log-in
POST people:second-factor          page   page   page   page     page   page   log-in
POST people:confirm-second-factor  page   page   page   page     page   page   log-in
POST people:turn-off-second-factor page   page   page   page     page   page   log-in
GET  people:invitation             page   page   page   page     page   page   page
POST people:invitation             there  there  there  there    there  there  page
GET  account:members               page   page   page   hidden   hidden hidden log-in
POST account:members               there  denied denied hidden   hidden hidden log-in
POST account:leave                 there  there  denied hidden   hidden hidden log-in
POST account:member-role           there  denied denied hidden   hidden hidden log-in
POST account:remove-member         there  denied denied hidden   hidden hidden log-in
POST account:withdraw-invitation   there  denied denied hidden   hidden hidden log-in
GET  account:keys                  page   page   page   hidden   hidden hidden log-in
GET  account:left-keys             page   denied denied hidden   hidden hidden log-in
POST account:left-keys             there  denied denied hidden   hidden hidden log-in
GET  account:new-key               page   page   denied hidden   hidden hidden log-in
POST account:new-key               page   page   denied hidden   hidden hidden log-in
GET  account:made-key              there  there  denied hidden   hidden hidden log-in
POST account:made-key              there  there  denied hidden   hidden hidden log-in
GET  account:key                   page   page   page   hidden   hidden hidden log-in
POST account:key                   page   page   denied hidden   hidden hidden log-in
GET  account:rotate-key            page   page   denied hidden   hidden hidden log-in
POST account:rotate-key            page   page   denied hidden   hidden hidden log-in
GET  account:revoke-key            page   page   denied hidden   hidden hidden log-in
POST account:revoke-key            there  there  denied hidden   hidden hidden log-in
GET  account:bucket                page   page   page   hidden   hidden hidden log-in
POST account:bucket                page   denied denied hidden   hidden hidden log-in
GET  account:remove-bucket         there  denied denied hidden   hidden hidden log-in
GET  account:check-bucket          there  there  there  hidden   hidden hidden log-in
POST account:check-bucket          there  denied denied hidden   hidden hidden log-in
POST account:remove-bucket         there  denied denied hidden   hidden hidden log-in
GET  account:audit                 page   denied denied hidden   hidden hidden log-in
GET  portal:overview               page   page   page   hidden   hidden hidden log-in
GET  portal:api                    page   page   page   hidden   hidden hidden log-in
GET  portal:videos                 page   page   page   hidden   hidden hidden log-in
GET  portal:videos-file            page   page   page   hidden   hidden hidden log-in
GET  portal:playground             page   page   denied hidden   hidden hidden log-in
POST portal:playground             page   page   denied hidden   hidden hidden log-in
GET  portal:picture                page   page   denied hidden   hidden hidden log-in
GET  portal:video                  page   page   page   hidden   hidden hidden log-in
GET  portal:poster                 page   page   page   hidden   hidden hidden log-in
GET  portal:preview                page   page   page   hidden   hidden hidden log-in
GET  portal:remove                 page   page   denied hidden   hidden hidden log-in
POST portal:remove                 there  there  denied hidden   hidden hidden log-in
GET  portal:usage                  page   page   page   hidden   hidden hidden log-in
GET  portal:usage-csv              page   page   page   hidden   hidden hidden log-in
GET  portal:statement              page   page   page   hidden   hidden hidden log-in
GET  portal:statement-csv          page   page   page   hidden   hidden hidden log-in
GET  portal:limits                 page   page   page   hidden   hidden hidden log-in
GET  portal:balance-alert          there  there  there  hidden   hidden hidden log-in
POST portal:balance-alert          there  denied denied hidden   hidden hidden log-in
GET  portal:prices                 page   page   page   hidden   hidden hidden log-in
"""
"""The answer to each person who opens or posts to a page of Alice's tenant, or one of their own."""

SEEN = {"page": 200, "there": 302, "log-in": 302, "denied": 403, "hidden": 404}
"""The status by the table's words; `there` is a redirect to another page than the log-in."""

SENT: dict[str, dict[str, Any]] = {
    "account:members": {"email": "new@people.example", "role": "viewer"},
    "account:member-role": {"role": "viewer"},
}
"""Data of the forms; the others are sent empty."""


@dataclass(frozen=True)
class House:
    """Alice's tenant and its contents."""

    owner: Caller
    video: Task
    mate: Membership
    invitation: Invitation
    link: str


ARGUMENTS: dict[str, Callable[[House], Any]] = {
    "tenant_id": lambda house: house.owner.tenant.pk,
    "task_id": lambda house: house.video.public_id,
    "file_id": lambda house: house.video.public_id.replace("task_", "file_"),
    "key_id": lambda house: house.owner.key and house.owner.key.pk,
    "form_id": lambda _: UUID(int=1),
    "group": lambda _: "day",
    "table": lambda _: "statement",
    "member_id": lambda house: house.mate.pk,
    "invitation_id": lambda house: house.invitation.pk,
    "token": lambda house: house.link,
    "uidb64": lambda _: "MQ",
    "signed": lambda _: "unsigned",
}
"""Arguments of the routes."""

PEOPLE: dict[str, Callable[[Caller, Caller], User | None]] = {
    "owner": lambda owner, _: make_person("ann", owner.tenant, Role.OWNER),
    "member": lambda owner, _: make_person("bob", owner.tenant, Role.MEMBER),
    "viewer": lambda owner, _: make_person("vera", owner.tenant, Role.VIEWER),
    "stranger": lambda _, stranger: make_person("charlie", stranger.tenant, Role.OWNER),
    "loner": lambda *_: make_person("loner"),
    "staff": lambda *_: make_person("sophie", is_staff=True, is_superuser=True),
    "nobody": lambda *_: None,
}

PAGE_CELLS = list(cells(PAGES))
PAGE_REQUESTS = list(dict.fromkeys((method, route) for method, route, _, _ in PAGE_CELLS))
PAGE_ROUTES = list(dict.fromkeys(route for _, route in PAGE_REQUESTS))


@pytest.fixture
def house(owner: Caller, video: Task) -> House:
    other = make_person("olga", owner.tenant, Role.OWNER)
    mate = Membership.objects.get(user=make_person("mate", owner.tenant))
    made, link = invitations.invite(owner.tenant, "x@people.example", Role.VIEWER, other, timezone.now())
    return House(owner, video, mate, made, link)


def _pages() -> Iterator[tuple[str, set[str]]]:
    """The name and argument names of each page."""
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and str(resolver.pattern) in OF_PEOPLE:
            for pattern, _ in _routes(resolver):
                places = {*resolver.pattern.converters, *pattern.pattern.converters}
                yield f"{resolver.namespace}:{pattern.name}", places


def _address(house: House, route: str) -> str:
    (places,) = (places for name, places in _pages() if name == route)
    return reverse(route, kwargs={name: ARGUMENTS[name](house) for name in places})


def _person_columns() -> list[Any]:
    models: list[type[Model]] = [User, Tenant, Membership, Invitation, APIKey, CosBucket]
    return everything() + [list(model._default_manager.order_by("pk").values()) for model in models]


def test_every_page_is_in_the_table() -> None:
    assert sorted(PAGE_ROUTES) == sorted(name for name, _ in _pages())


@pytest.fixture
def people(house: House, owner: Caller, stranger: Caller) -> dict[str, User | None]:
    """The people of the table."""
    return {who: make(owner, stranger) for who, make in PEOPLE.items()}


@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_sees_what_the_table_says(who: str, house: House, people: dict[str, User | None]) -> None:
    browser = Browser(people[who])
    before = _person_columns()
    cookies = deepcopy(browser.client.cookies)

    def is_seen(cell: tuple[str, str, str, str]) -> None:
        method, route, _, word = cell
        address = _address(house, route)
        browser.client.cookies = deepcopy(cookies)  # one of the pages logs out
        answer = browser.get(address) if method == "GET" else browser.post(address, **SENT.get(route, {}))
        seen = b"".join(answer)
        assert answer.status_code == SEEN[word]
        if answer.status_code == 302:
            assert answer.headers["location"].startswith("/log-in/") is (word == "log-in")
        if word in ("denied", "hidden", "log-in") or method == "GET":
            assert _person_columns() == before
        if word == "page" and route not in (
            "portal:poster",
            "portal:preview",
            "portal:picture",
        ):  # pictures may be cached for a while
            assert "no-store" in answer.headers["cache-control"], "nobody goes back to it after the log-out"
        if word in ("denied", "hidden"):
            assert house.owner.tenant.name not in seen.decode()

    check_each([cell for cell in PAGE_CELLS if cell[2] == who], rolled_back(is_seen))


OF_TENANTS = [(method, route) for method, route in PAGE_REQUESTS if not route.startswith("people:")]


def test_every_method_of_a_tenants_page_is_in_the_table(house: House) -> None:
    owners = [(method, name) for method, name, who, word in PAGE_CELLS if who == "owner" and word != "none"]
    olga = Browser(User.objects.get(username="olga"))

    def is_in_the_table(request: tuple[str, str]) -> None:
        method, route = request
        answer = olga.client.generic(method, _address(house, route))
        b"".join(answer)  # read to the end, which closes files
        assert (answer.status_code != 405) is (request in owners)

    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
    routes = sorted({route for _, route in OF_TENANTS})
    check_each(product(methods, routes), rolled_back(is_in_the_table))


def test_another_tenants_page_and_an_unknown_one_get_the_same_answer(
    house: House, people: dict[str, User | None]
) -> None:
    charlie = Browser(people["stranger"]).client

    def are_alike(request: tuple[str, str]) -> None:
        method, route = request
        address = _address(house, route)
        nowhere = address.replace(str(house.owner.tenant.pk), "0199f0d2-a3b4-7c1d-8e9f-0a1b2c3d4e5f")
        seen = [charlie.generic(method, path) for path in (address, nowhere)]
        assert [answer.status_code for answer in seen] == [404, 404]
        theirs, nobodys = (re.findall(r"<main.*</main>", text(answer), re.DOTALL) for answer in seen)
        assert theirs == nobodys != []

    check_each(OF_TENANTS, rolled_back(are_alike))


# --- routes without a tenant


def test_health_is_the_same_for_everybody(owner: Caller, nobody: Caller) -> None:
    for path in ("/healthz", "/readyz"):
        assert owner.get(path).json() == nobody.get(path).json()
        assert owner.tenant.name not in owner.get(path).content.decode()


OPEN_TO_ALL = {"login", "logout"}
"""Console routes open to everybody."""


def _path(route: str) -> str:
    """A path of the route."""
    route = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route).replace("(?P<url>.*)", "nowhere")
    return re.sub(r"<[^>]+>", "1", route).strip("^$").replace("/^", "/")


@pytest.mark.parametrize("who", ["a program with a key", "a member of the tenant", "nobody"])
def test_the_console_is_only_for_staff(who: str, owner: Caller, nobody: Caller) -> None:
    browser = Client()
    member = User.objects.create(username="alice")
    member.tenants.add(owner.tenant)
    if who == "a member of the tenant":
        browser.force_login(member)
    headers = {"authorization": f"Bearer {owner.text}"} if who == "a program with a key" else {}
    for pattern, route in _routes(_resolver("admin/"), "/admin/"):
        if pattern.name not in OPEN_TO_ALL:
            for answer in (
                browser.get(_path(route), headers=headers),
                browser.post(_path(route), headers=headers),
            ):
                assert answer.status_code == 302, route
                assert answer.headers["location"].startswith("/admin/login/?next="), route
