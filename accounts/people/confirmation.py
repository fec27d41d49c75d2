"""Confirms a person's e-mail address with a link mailed to it."""

from datetime import timedelta

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts import mail
from accounts.models import User
from accounts.people import naming
from config.web.links import absolute

_LINK_LIFE = timedelta(hours=1)
_SALT = "accounts.people.email"


def mail_link(request: HttpRequest, person: User, address: str) -> bool:
    """Mail the confirmation link; returns False if the address is over its mail rate limit."""
    if not mail.permits("confirm_email", address, request):
        return False
    mail.send(
        "confirm_email", address, {"link": absolute(page_of(person, address), request), "person": person}
    )
    return True


def page_of(person: User, address: str) -> str:
    """The page that makes the address that of the person, as long as the link lasts."""
    signed = signing.dumps([person.pk, person.email, address], salt=_SALT)
    return reverse("people:confirm-email", args=[signed])


def address_in(signed: str, person: User) -> str | None:
    """The address in the link; None if it is expired, another person's, or their address changed since."""
    try:
        owner, before, address = signing.loads(signed, salt=_SALT, max_age=_LINK_LIFE)
    except signing.BadSignature:
        return None
    return address if (owner, before) == (person.pk, person.email) else None


def take(person: User, address: str) -> bool:
    """Set the person's address; returns False if it is taken or the person's address changed meanwhile."""
    if naming.is_taken(address, besides=person):
        return False
    try:
        with transaction.atomic():
            return User.objects.filter(pk=person.pk, email=person.email).update(email=address) > 0
    except IntegrityError:
        return False
