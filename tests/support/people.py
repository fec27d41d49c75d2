"""People at a browser, who log in, open pages and send forms."""

import re
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.core import mail as outbox
from django.db import connections
from django.test import Client
from django_otp.oath import TOTP

from accounts import mail
from accounts.models import Authenticator, Membership, Role, Tenant, User, authenticator
from accounts.people import totp

PASSWORD = "a purple cat that runs"
LOG_IN = "/log-in/"
_LINK = re.compile(r"https?://\S+")


def make_person(name: str, tenant: Tenant | None = None, role: Role = Role.MEMBER, **fields: Any) -> User:
    """A person with a password, an address and optionally a membership."""
    person = User.objects.create_user(name, f"{name}@people.example", PASSWORD, **fields)
    if tenant is not None:
        Membership.objects.create(tenant=tenant, user=person, role=role)
    return person


class Browser:
    """A browser, logged in if a person is given."""

    def __init__(self, person: User | None = None, **extra: Any) -> None:
        self.client = Client(raise_request_exception=True, headers={"accept": "text/html"}, **extra)
        if person is not None:
            self.client.force_login(person)

    def get(self, path: str, **extra: Any) -> Any:
        return self.client.get(path, **extra)

    def post(self, path: str, /, **fields: Any) -> Any:
        """Send a form that was just opened, unless `form_id` says which."""
        return self.client.post(path, {"form_id": uuid4(), **fields})

    def see(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.status_code
        return str(answer.content.decode())

    def log_in(self, name: str, password: str = PASSWORD, **fields: Any) -> Any:
        return self.post(LOG_IN, username=name, password=password, **fields)

    def is_logged_in(self) -> bool:
        return "_auth_user_id" in self.client.session


def leads_to(answer: Any) -> str:
    """The target of a redirect."""
    assert answer.status_code == 302, (answer.status_code, answer.content.decode()[:2000])
    return str(answer.headers["location"])


def text(answer: Any) -> str:
    return str(answer.content.decode())


def mails() -> list[Any]:
    mail.flush()
    return list(outbox.outbox)


def link_in(message: Any) -> str:
    (link,) = _LINK.findall(str(message.body))
    return "/" + str(link).split("/", 3)[3]


def device_of(person: User) -> Authenticator:
    """An active second factor without used codes."""
    device = totp.begin(person)
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    return device


def code_of(device: Authenticator, steps: int = 0) -> str:
    """The code the app shows now or some steps of 30 seconds later."""
    app: Any = TOTP(device.secret_bytes, authenticator.STEP, digits=authenticator.DIGITS)
    app.time = authenticator.clock() + steps * authenticator.STEP
    return f"{app.token():06d}"


def forgive(device: Authenticator) -> None:
    """End the waiting time after a wrong code."""
    Authenticator.objects.filter(pk=device.pk).update(throttling_failure_timestamp=None)


def wrong(code: str) -> str:
    return f"{(int(code) + 500_000) % 1_000_000:06d}"


def at_once(*tries: Callable[[], Any]) -> list[Any]:
    """Run all concurrently; returns each result or the type of its exception."""
    barrier, outcomes = threading.Barrier(len(tries)), []

    def run(one: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            outcomes.append(one())
        except Exception as error:
            outcomes.append(type(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[one]) for one in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
