"""A member of staff at the console, who reads pages and fills in their forms."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.audit import Author
from accounts.models import AuditPlace, User

_NOT_SENT = ("submit", "button", "image", "file", "reset")


class Form(HTMLParser):
    """The fields a browser would send: those of a model's form, or of the last form on the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._forms: list[dict[str, str]] = []
        self._select = self._textarea = ""
        self._is_open = self._is_multiple = False
        self._main: dict[str, str] | None = None
        self.feed(page)
        self.fields = self._forms[-1] if self._main is None else self._main

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms.append({})
            self._is_open = True
            if given.get("id", "").endswith("_form"):
                self._main = self._forms[-1]
        elif tag == "input" and given.get("name") and self._is_open:
            self._input(given)
        elif tag == "select":
            self._select, self._is_multiple = given.get("name", ""), "multiple" in given
        elif tag == "option" and self._select and ("selected" in given or self._is_first_of_one()):
            self._forms[-1][self._select] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = given.get("name", "")
            self._forms[-1][self._textarea] = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._forms[-1][self._textarea] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
        elif tag == "form":
            self._is_open = False

    def _is_first_of_one(self) -> bool:
        """In a single select without a selected option, browsers choose the first."""
        return not self._is_multiple and self._select not in self._forms[-1]

    def _input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in _NOT_SENT or (kind in ("checkbox", "radio") and "checked" not in given):
            return
        self._forms[-1][given["name"]] = given.get("value", "on" if kind == "checkbox" else "")


class Person:
    """A logged-in member of staff with these permissions, or a superuser without any."""

    def __init__(self, name: str, *permissions: str) -> None:
        if permissions:
            self.user = User.objects.create_user(name, is_staff=True)
            self.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        else:
            self.user = User.objects.create_superuser(name)
        self.client = Client(raise_request_exception=True)
        self.client.force_login(self.user)

    @property
    def author(self) -> Author:
        return Author(self.user, AuditPlace.CONSOLE)

    def get(self, address: str) -> Any:
        return self.client.get(address)

    def see(self, address: str) -> str:
        answer = self.client.get(address)
        assert answer.status_code == 200, answer.status_code
        return str(answer.content.decode())

    def open(self, address: str) -> dict[str, str]:
        """The fields of the form at the address."""
        return Form(self.see(address)).fields

    def send(self, address: str, form: Mapping[str, str], changes: Mapping[str, str | None] = {}) -> "Answer":
        """Send the form with changes; None leaves a checkbox empty."""
        sent = {name: value for name, value in {**form, **changes}.items() if value is not None}
        return Answer(self.client.post(address, sent, follow=True))

    def fill_in(self, address: str, **changes: str | None) -> "Answer":
        """Open the form at the address, change it and send it."""
        return self.send(address, self.open(address), changes)


class Answer:
    """The page after sending a form, with its messages and errors."""

    def __init__(self, answer: Any) -> None:
        self.status = answer.status_code
        self.page = answer.content.decode()
        context = answer.context or {}
        self.messages = [str(message) for message in context.get("messages") or []]
        lists = [[found] if isinstance(found, str) else found for found in context.get("errors") or []]
        self.errors = [str(error) for errors in lists for error in errors]
