"""Whatever the audit log records has its words in the registry, in English and in Chinese."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import translation

from accounts import audit
from accounts.audit import About
from accounts.console.recording import NO_VALUES, RecordedAdmin
from accounts.models import User
from accounts.models.api_key import AUDITED_FIELDS
from accounts.pages.audit_sentences import _HIDDEN, KINDS, Kind, label_of
from tests.house.test_architecture import ROOT, SOURCES
from tests.support.english import english_in

KIND_OF = {kind.begins: kind for kind in KINDS}
WRITERS = frozenset({"record", "record_change", "record_row"})
BY_HAND = {
    About.API_KEY: (*AUDITED_FIELDS, "kind"),
    About.BUCKET: ("bucket", "region", "path_prefix", "role_arn", "keep_copy", "key pair", "check", "steps"),
    About.QUOTA: ("is_own",),
    About.UPSTREAM_ACCOUNT: ("proxy", "condition", "reason"),
    About.PERSON: ("second factor", "recovery codes", "password", "sessions ended", "locked out"),
}
"""Values that are recorded by other code than the forms of the console."""
PRODUCTS = frozenset({"COS", "SecretId", "SecretKey", "SubAppId", "API", "ID"})


def _calls_of_writers() -> Iterator[tuple[Path, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in WRITERS:
                yield path, node


def test_no_writer_makes_up_a_subject() -> None:
    calls = list(_calls_of_writers())
    assert len(calls) > 20
    for path, call in calls:
        for given in call.args:
            is_made_up = isinstance(given, ast.JoinedStr) or (isinstance(given, ast.Constant) and given.value)
            assert not is_made_up, f"{path.relative_to(ROOT)}:{call.lineno}: take the subject from About"


def test_every_kind_of_subject_has_its_phrase_and_none_is_taken_for_another() -> None:
    assert set(About) - {About.LOG_IN} == KIND_OF.keys() - {None}
    for about in set(About) - {About.LOG_IN}:
        name = about.named("x").name
        assert next(one for one in KINDS if name.startswith(one.begins or "")).begins is about


def _admins() -> Iterator[RecordedAdmin[Any]]:
    for page in admin.site._registry.values():
        if isinstance(page, RecordedAdmin) and not page.records_all:
            yield page


@pytest.fixture
def request_of_staff(db: None) -> HttpRequest:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.create_superuser("sophie")
    return request


def _recorded(request: HttpRequest) -> Iterator[tuple[Kind, str]]:
    """Each value that a page of the console, or other code, may record, and what it belongs to."""
    for page in _admins():
        may_write = page.has_add_permission(request) or page.has_change_permission(request)
        forms = [(page.model, page.get_form(request))] if may_write else []
        inlines = [
            inline
            for inline in page.get_inline_instances(request)
            if inline.has_add_permission(request, None) or inline.has_change_permission(request, None)
        ]
        forms += [(inline.model, inline.get_formset(request).form) for inline in inlines]
        for model, form in forms:
            if model not in page.recorded_by_page:
                kind = KIND_OF[About(audit.beginning(model))]
                yield from ((kind, name) for name in form.base_fields if name not in page.recorded_by_page)
    for about, names in BY_HAND.items():
        yield from ((KIND_OF[about], name) for name in names)


def test_every_recorded_value_has_a_name_in_chinese(request_of_staff: HttpRequest) -> None:
    with translation.override("en"):
        recorded = [(kind, name) for kind, name in _recorded(request_of_staff)]
    assert len(recorded) > 40
    with translation.override("zh-hans"):
        english = {
            (str(kind.begins), name): label_of(kind, name)
            for kind, name in recorded
            if name not in NO_VALUES | _HIDDEN and english_in(f"<p>{label_of(kind, name)}</p>", PRODUCTS)
        }
    assert not english
