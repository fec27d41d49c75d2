"""How an e-mail address becomes a person's: by a link that is mailed to it."""

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
    """Send the address a link that makes it the person's; False where it got too many just now."""
    if not mail.permits("confirm_email", address, request):
        return False
    signed = signing.dumps([person.pk, person.email, address], salt=_SALT)
    link = absolute(reverse("people:confirm-email", args=[signed]), request)
    mail.send("confirm_email", address, {"link": link, "person": person})
    return True


def address_in(signed: str, person: User) -> str | None:
    """The address, if the link is this person's, young, and the address did not change since."""
    try:
        owner, before, address = signing.loads(signed, salt=_SALT, max_age=_LINK_LIFE)
    except signing.BadSignature:
        return None
    return address if (owner, before) == (person.pk, person.email) else None


def take(person: User, address: str) -> bool:
    """Whether the address is the person's now; it is not where somebody else has it."""
    if naming.is_taken(address, besides=person):
        return False
    try:
        with transaction.atomic():
            return User.objects.filter(pk=person.pk, email=person.email).update(email=address) > 0
    except IntegrityError:
        return False
