"""Mails of workers to a tenant's owners, sent apart from the database: a mail server may be slow.

Each kind of mail is a module with three steps in the database. `due` names the tenants. `claim` takes one of
them for this worker, and `settle` ends that. What may be lost: the mail to one of several owners.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils import timezone, translation

from accounts import mail
from accounts.models import Membership, Role, Tenant
from videos.worker.threads import in_database, in_database_with_retries


@dataclass(frozen=True)
class OwnersMail:
    """`mails/<template>.txt` about a tenant, for its active owners with an address."""

    tenant: Tenant
    template: str
    context: Mapping[str, Any]
    addresses: Sequence[str]
    mark: Any
    """By what `settle` recognises the claim."""

    @classmethod
    def about(cls, tenant: Tenant, template: str, mark: Any, **context: Any) -> "OwnersMail":
        owners = Membership.objects.filter(tenant=tenant, role=Role.OWNER, user__is_active=True)
        addresses = owners.exclude(user__email="").values_list("user__email", flat=True)
        return cls(tenant, template, context, list(addresses), mark)

    def send(self) -> bool:
        """Wait for the mail server; returns whether it took one of the mails, or there was none to send."""
        context = {"tenant": self.tenant, **self.context}
        with translation.override(settings.LANGUAGE_CODE):
            taken = [mail.deliver(self.template, address, context) for address in self.addresses]
        return any(taken) or not taken


class Mailing(Protocol):
    """A module of one kind of mail."""

    def due(self, now: datetime) -> Sequence[UUID]:
        """The tenants whose owners are to be told."""

    def claim(self, tenant_id: UUID, now: datetime) -> OwnersMail | None:
        """The mail, unless another worker was faster or it is no longer due."""

    def settle(self, sent: OwnersMail, *, is_taken: bool) -> None:
        """Record that the owners were told, or that they are to be told later."""


async def send_due(mailing: Mailing, now: datetime) -> None:
    """Send the mails that are due, one after the other."""
    for tenant_id in await in_database(mailing.due, now):
        claimed = await in_database(mailing.claim, tenant_id, timezone.now())
        if claimed is not None:
            is_taken = await asyncio.to_thread(claimed.send)
            await in_database_with_retries(mailing.settle, claimed, is_taken=is_taken)
