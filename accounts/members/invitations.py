"""Invitations: how a person becomes a member of a tenant.

The secret of a link is 256 random bits and kept nowhere; who holds the link may use it, once.
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
    """There is no such invitation, or it was used or withdrawn, or has expired, or its tenant is suspended.

    Nobody is told which.
    """


class AlreadyMember(Exception):
    """The person belongs to the tenant already."""


class TenantSuspended(Exception):
    """Nobody joins a tenant that is suspended."""


class OwnInvitation(Exception):
    """Who invites somebody does not follow the link in their place."""


@transaction.atomic
def invite(tenant: Tenant, email: str, role: Role, by: User | None, now: datetime) -> tuple[Invitation, str]:
    """A new invitation and the secret of its link; it takes the place of an older one of the same person.

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
    """Let the tenant's invitation work no more; whether it did until now."""
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
    """Make the person a member, and the link useless.

    Raises `NotOpen`, and `AlreadyMember` and `OwnInvitation`, which leave the link to others.
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
    """Save the person, and make them a member.

    They have no address yet: whoever invited knows the link, too, so it does not prove whose the address is.
    Raises `NotOpen`, and `IntegrityError` where somebody has that name already.
    """
    find(secret, now)
    person.email = ""
    person.save()
    return accept(secret, person, now)


def path(secret: str) -> str:
    """Where the link leads."""
    return reverse("people:invitation", args=[secret])


def _unanswered(tenant: Tenant) -> QuerySet[Invitation]:
    return Invitation.objects.filter(tenant=tenant, accepted_at=None, revoked_at=None)


def _open(secret: str, now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        digest=keys.digest(secret), accepted_at=None, revoked_at=None, expires_at__gt=now
    )
