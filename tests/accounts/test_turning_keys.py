"""Rotation of encryption and secret keys without downtime, as docs/keys.md describes."""

from io import StringIO
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts import encryption
from accounts.encryption import UndecryptableError, encrypted_columns
from accounts.models import APIKey, AuditEntry, CosBucket, FormResult, KeyKind, SigningSecret
from tests.conftest import Caller, MakeTask
from tests.support.people import Browser, device_of, make_person
from videos.models import UpstreamAccount
from videos.states import Status

SECRET = "the-secret-half"
COLUMNS = {
    "accounts.Authenticator.key",
    "accounts.CosBucket.secret_key",
    "accounts.FormResult.result",
    "accounts.SigningSecret.secret",
    "videos.UpstreamAccount.proxy_url",
    "videos.UpstreamAccount.secret_key",
}


def new_key() -> str:
    return Fernet.generate_key().decode()


def reencrypt() -> dict[str, str]:
    printed = StringIO()
    call_command("reencrypt", stdout=printed)
    return dict(line.split(": ") for line in printed.getvalue().splitlines())


def test_every_stored_secret_is_reencrypted(owner: Caller, settings: LazySettings) -> None:
    old, new = new_key(), new_key()
    settings.ENCRYPTION_KEYS = [old]
    device = device_of(make_person("alice"))
    form = {"person": device.user, "form_id": uuid4(), "kind": "apikey", "created_at": timezone.now()}
    FormResult.objects.create(result=SECRET, **form)
    proxy = "http://user:password@proxy.example:3128"
    UpstreamAccount.objects.create(name="main", secret_id="AKID1", secret_key=SECRET, proxy_url=proxy)
    bucket = {"bucket": "films-1250000000", "region": "ap-guangzhou", "secret_id": "AKID2"}
    CosBucket.objects.create(tenant=owner.tenant, secret_key=SECRET, **bucket)
    pair, secret_key = APIKey.objects.mint(owner.tenant, "a pair", kind=KeyKind.PAIR)
    settings.ENCRYPTION_KEYS = [old, new]
    assert UpstreamAccount.objects.get().secret_key == SECRET
    settings.ENCRYPTION_KEYS = [new, old]
    assert {f"{model._meta.label}.{name}" for model, name in encrypted_columns()} == COLUMNS
    assert reencrypt() == dict.fromkeys(COLUMNS, "1 encrypted anew, 0 already, 0 unreadable")
    assert reencrypt() == dict.fromkeys(COLUMNS, "0 encrypted anew, 1 already, 0 unreadable")
    [entry] = AuditEntry.objects.filter(subject="secrets at rest")
    assert entry.after == dict.fromkeys(COLUMNS, 1)
    settings.ENCRYPTION_KEYS = [new]
    assert UpstreamAccount.objects.get().secret_key == CosBucket.objects.get().secret_key == SECRET
    assert SigningSecret.objects.get(key=pair).secret == secret_key
    secret = device.key
    device.refresh_from_db(fields=["key"])
    assert device.key == secret


def test_an_interrupted_run_continues_where_it_stopped(db: None, settings: LazySettings) -> None:
    old, new = new_key(), new_key()
    settings.ENCRYPTION_KEYS = [old]
    for number in range(3):
        UpstreamAccount.objects.create(name=str(number), secret_id="AKID", secret_key=SECRET)
    settings.ENCRYPTION_KEYS = [new, old]
    UpstreamAccount.objects.filter(name="1").update(secret_key=SECRET)
    turned = encryption.reencrypt(UpstreamAccount, "secret_key")
    assert (turned.anew, turned.already) == (2, 1)


def test_a_secret_whose_key_is_lost_is_reported_and_left(db: None, settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = [new_key()]
    UpstreamAccount.objects.create(name="lost", secret_id="AKID", secret_key=SECRET)
    before = stored()
    settings.ENCRYPTION_KEYS = [new_key()]
    with pytest.raises(CommandError, match="does not hold"):
        reencrypt()
    assert stored() == before
    with pytest.raises(UndecryptableError):
        UpstreamAccount.objects.get()


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_key FROM videos_upstreamaccount")
        return str(cursor.fetchone()[0])


def test_signatures_of_a_former_secret_key_are_valid_until_it_is_removed(
    owner: Caller, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.SECRET_KEY = "old" * 20
    browser = Browser()
    make_person("alice")
    browser.log_in("alice")
    task = make_task(Status.SUCCEEDED)
    link = (
        owner.get(f"/v1/videos/{task.public_id}").json()["metadata"]["url"].removeprefix("http://testserver")
    )
    visitor = Caller(None)
    works = visitor.get(link).status_code
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, ["old" * 20]
    assert visitor.get(link).status_code == works != 403
    assert browser.get("/profile/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert visitor.get(link).status_code == 403
