"""Invitations, with which a person becomes a member of a tenant.

The secret of a link is 256 random bits and never stored; anybody with the link may use it, once.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts import keys
from accounts.models import Invitation, Membership, Role, Tenant, User


class NotOpen(Exception):
    """The invitation is unknown, used, withdrawn or expired, or its tenant is suspended.

    Users are not told which.
    """


class AlreadyMember(Exception):
    """The person is already a member of the tenant."""


class TenantSuspended(Exception):
    """A suspended tenant takes no new members."""


class OwnInvitation(Exception):
    """The person who sent an invitation cannot accept it."""


@transaction.atomic
def invite(tenant: Tenant, email: str, role: Role, by: User | None, now: datetime) -> tuple[Invitation, str]:
    """Create an invitation, which replaces an older one of the person; returns it and its link's secret.

    Raises `AlreadyMember` and `TenantSuspended`.
    """
    if Tenant.objects.locked(tenant.pk).is_suspended:
        raise TenantSuspended
    address = email.lower()
    if Membership.objects.filter(tenant=tenant, user__email__iexact=address).exists():
        raise AlreadyMember
    _unanswered(tenant).filter(email=address).update(revoked_at=now)
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=address,
        role=role,
        digest=keys.digest(secret),
        invited_by=by,
        created_at=now,
        expires_at=now + timedelta(days=settings.INVITATION_DAYS),
    )
    return invitation, secret


def withdraw(tenant: Tenant, invitation_id: int, now: datetime) -> bool:
    """Withdraw the tenant's invitation; returns whether it was unanswered."""
    return _unanswered(tenant).filter(pk=invitation_id).update(revoked_at=now) > 0


def unanswered(tenant: Tenant) -> QuerySet[Invitation]:
    """The tenant's invitations that were neither used nor withdrawn, the latest first."""
    return _unanswered(tenant).select_related("invited_by").order_by("-id")


def find(secret: str, now: datetime) -> Invitation:
    """The open invitation with that secret. Raises `NotOpen`."""
    invitation = _open(secret, now).select_related("tenant", "invited_by").first()
    if invitation is None or invitation.tenant.is_suspended:
        raise NotOpen
    return invitation


@transaction.atomic
def accept(secret: str, person: User, now: datetime) -> Membership:
    """Make the person a member, and invalidate the link.

    Raises `NotOpen`, and `AlreadyMember` and `OwnInvitation`, after which others can use the link.
    """
    if not _open(secret, now).update(accepted_at=now):
        raise NotOpen
    invitation = Invitation.objects.select_related("tenant").get(digest=keys.digest(secret))
    if invitation.tenant.is_suspended:
        raise NotOpen
    if invitation.invited_by_id == person.pk:
        raise OwnInvitation
    membership, is_new = Membership.objects.get_or_create(
        tenant=invitation.tenant, user=person, defaults={"role": invitation.role, "created_at": now}
    )
    if not is_new:
        raise AlreadyMember
    return membership


@transaction.atomic
def accept_as_new(secret: str, person: User, now: datetime) -> Membership:
    """Save the new person, and make them a member.

    Their e-mail address stays empty: the inviter knows the link, too, so it does not prove the address.
    Raises `NotOpen`, and `IntegrityError` if the name is taken.
    """
    find(secret, now)
    person.email = ""
    person.save()
    return accept(secret, person, now)


def path(secret: str) -> str:
    """The path of the link."""
    return reverse("people:invitation", args=[secret])


def _unanswered(tenant: Tenant) -> QuerySet[Invitation]:
    return Invitation.objects.filter(tenant=tenant, accepted_at=None, revoked_at=None)


def _open(secret: str, now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        digest=keys.digest(secret), accepted_at=None, revoked_at=None, expires_at__gt=now
    )
