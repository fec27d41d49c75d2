"""Finds people by user name or e-mail address."""

from django.db.models import Q

from accounts.models import User


def user_name(typed: str) -> str:
    """The user name of the person with that user name or e-mail address.

    If there is none, the input in lower case, so that failures are counted together in any spelling.
    """
    if User.objects.filter(username=typed).exists():
        return typed
    by_address = User.objects.exclude(email="").filter(email__iexact=typed).first()
    return by_address.username if by_address else typed.lower()


def is_taken(name: str, *, besides: User | None = None) -> bool:
    """Whether anybody except `besides` has this user name or e-mail address."""
    others = User.objects.exclude(pk=besides.pk) if besides else User.objects.all()
    return others.filter(Q(username__iexact=name) | Q(email__iexact=name)).exists()
