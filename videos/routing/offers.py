"""The offers: which models are available to a tenant, the accounts that may take its tasks, and prices."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

from accounts.models import Tenant
from videos import catalogue
from videos.billing.prices import Listed, PriceBook
from videos.catalogue import ModelSpec
from videos.errors import NoUpstreamAccount
from videos.models import OfferRevision, UpstreamAccount
from videos.models.upstream_account import AccountState
from videos.products import Product
from videos.routing.choice import Queue, candidates


class Offers:
    """A snapshot of the enabled accounts, of what they offer, and of prices."""

    _latest: ClassVar["tuple[UUID, Offers] | None"] = None

    def __init__(self) -> None:
        enabled = UpstreamAccount.objects.filter(is_enabled=True).select_related("state")
        self.accounts = list(enabled.defer("secret_key", "proxy_url").order_by("pk"))
        """The enabled accounts, oldest first."""
        self.prices = PriceBook.load()

    @classmethod
    def current(cls) -> "Offers":
        """The current offers; one query if nothing changed since the last call."""
        return cls.at(OfferRevision.objects.values_list("revision", flat=True).first())

    @classmethod
    def at(cls, revision: UUID | None) -> "Offers":
        """The offers of that revision, cached until another is requested; not cached for None."""
        latest = cls._latest
        if revision is not None and latest is not None and latest[0] == revision:
            return latest[1]
        offers = cls()
        if revision is not None:
            cls._latest = (revision, offers)
        return offers

    def models(self, tenant: Tenant | None = None) -> list[ModelSpec]:
        """The models that a tenant may request; None: those of the platform."""
        return [spec for spec in catalogue.MODELS if self._offered(spec, tenant)]

    def find(self, name: str, tenant: Tenant | None = None) -> ModelSpec | None:
        """The model of that name, if the tenant may request it."""
        spec = catalogue.find(name)
        return spec if spec and self._offered(spec, tenant) else None

    def is_on_own_account(self, model: str, tenant: Tenant) -> bool:
        """Whether the tenant's tasks go to its own accounts: it must use them, or one of them works."""
        own = self._of(tenant.pk, model)
        return tenant.only_own_account or any(_works(account) for account in own)

    def pool(self, model: str, tenant: Tenant | None) -> Sequence[UpstreamAccount]:
        """The accounts that may take the tenant's tasks of the model, if they work; None: the platform's."""
        is_own = tenant is not None and self.is_on_own_account(model, tenant)
        return self._of(tenant.pk if tenant and is_own else None, model)

    def prices_for(self, tenant: Tenant, spec: ModelSpec, now: datetime) -> list[dict[str, Any]]:
        """The model's prices in force at `now` for the tenant, as clients see them."""
        is_own = self.is_on_own_account(spec.name, tenant)
        return self.prices.of_tenant(tenant.pk).of_model(spec.name, now, on_own_account=is_own)

    def listed_for(self, tenant: Tenant, spec: ModelSpec, now: datetime) -> list[Listed]:
        """The model's prices for the tenant that are in force or to come."""
        is_own = self.is_on_own_account(spec.name, tenant)
        return self.prices.of_tenant(tenant.pk).listed(spec.name, now, on_own_account=is_own)

    def product_for(self, queue: Queue) -> Product:
        """The product that a task of that queue would use now."""
        able = candidates(queue, self.accounts)
        first = next(iter(sorted(able, key=_works, reverse=True)), None)
        return Product(first.product if first else queue.prefers or Product.MPS)

    def check_available(self, queue: Queue) -> None:
        """Raise `NoUpstreamAccount` if no account works for the queue, unless tasks wait for one then."""
        if settings.WHEN_NO_UPSTREAM == "refuse" and not self.working(queue):
            raise NoUpstreamAccount

    def working(self, queue: Queue) -> list[UpstreamAccount]:
        """The accounts that take tasks of the queue, if only after a pause."""
        return [account for account in candidates(queue, self.accounts) if _works(account)]

    def group_of(self, model: str) -> int:
        """The number of the group of models that compete with that one for the platform's accounts."""
        return self._groups[model]

    def competing(self, model: str) -> list[str]:
        """The models whose tasks compete with that one's for the same accounts, itself included."""
        return self.group(self.group_of(model))

    def group(self, number: int) -> list[str]:
        """The models of that group."""
        return self._members[number]

    @cached_property
    def _groups(self) -> dict[str, int]:
        """Each model's group: models compete if an account offers both, or if both compete with a third."""
        groups = {spec.name: number for number, spec in enumerate(catalogue.MODELS)}
        for account in self.accounts:
            if account.owner_id is None:
                names = [spec.name for spec in account.offered()]
                merged = {groups[name] for name in names}
                first = min(merged, default=0)
                groups = {name: first if group in merged else group for name, group in groups.items()}
        return groups

    @cached_property
    def _members(self) -> dict[int, list[str]]:
        members: dict[int, list[str]] = {}
        for name, group in self._groups.items():
            members.setdefault(group, []).append(name)
        return members

    def _of(self, owner: UUID | None, model: str) -> Sequence[UpstreamAccount]:
        """The accounts of an owner that offer the model."""
        return [account for account in self.accounts if account.owner_id == owner and account.offers(model)]

    def _offered(self, spec: ModelSpec, tenant: Tenant | None) -> bool:
        owners = {None} if tenant is None else {tenant.pk} if tenant.only_own_account else {tenant.pk, None}
        usable = [account for account in self.accounts if account.owner_id in owners]
        # Without any enabled account, requests can still be checked.
        return not usable or any(account.offers(spec.name) for account in usable)


def _works(account: UpstreamAccount) -> bool:
    """Whether it is not out of service; a pause is short."""
    return account.state.condition != AccountState.Condition.OPEN
