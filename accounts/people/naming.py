"""Whom a person means who types a user name or an e-mail address."""

from django.db.models import Q

from accounts.models import User


def user_name(typed: str) -> str:
    """The user name of the person with that name or address.

    Of nobody's it is what was typed, in lower case: however it is written, tries at it are counted together.
    """
    if User.objects.filter(username=typed).exists():
        return typed
    by_address = User.objects.exclude(email="").filter(email__iexact=typed).first()
    return by_address.username if by_address else typed.lower()


def is_taken(name: str, *, besides: User | None = None) -> bool:
    """Whether somebody else has it for a user name or an e-mail address."""
    others = User.objects.exclude(pk=besides.pk) if besides else User.objects.all()
    return others.filter(Q(username__iexact=name) | Q(email__iexact=name)).exists()
