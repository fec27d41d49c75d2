"""Check the connection of an upstream account."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.texts import is_one_line
from videos.models import UpstreamAccount
from videos.routing import health
from videos.routing.advice import outcome_in_words
from videos.routing.clients import call_once
from videos.upstream.base import NotSent, Unavailable, UpstreamError


class Command(BaseCommand):
    help = (
        "Check an upstream account with a signed call that costs nothing, and say what is wrong and what to"
        " do. The result is shown in the console, too; the exit code is 1 if the account does not work."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the account's name")

    def handle(self, *_: Any, name: str, **__: Any) -> None:
        account = _find(name)
        error = _error_of(account)
        works = health.record_check(account.pk, error, timezone.now())
        if error is not None and not works:
            raise CommandError(_in_words(account, error))
        self.stdout.write(f"{account}: {outcome_in_words('')}")


def _find(name: str) -> UpstreamAccount:
    # Without its secrets, which may be unreadable.
    accounts = UpstreamAccount.objects.defer("secret_key", "proxy_url")
    account = accounts.filter(name=name).first() if is_one_line(name) else None
    if account is None:
        names = ", ".join(accounts.order_by("name").values_list("name", flat=True))
        there = f"there are: {names}." if names else "there is none yet."
        raise CommandError(f"There is no upstream account named {name!r}; {there}")
    return account


def _error_of(account: UpstreamAccount) -> UpstreamError | None:
    try:
        call_once(account.pk, lambda client: client.check())
    except UpstreamError as error:
        return error
    return None


def _in_words(account: UpstreamAccount, error: UpstreamError) -> str:
    """What is wrong, what to do, and the provider's message, in one line."""
    reached = not isinstance(error, Unavailable) or isinstance(error, NotSent)
    place = "" if reached else f"{account.endpoint} could not be reached: "
    said = f"{error.message} (RequestId {error.request_id})" if error.request_id else error.message
    words = outcome_in_words(error.code or type(error).__name__)
    return " ".join(f"{account}: {place}{words} [{said}]".split())
