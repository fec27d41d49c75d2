"""Whether tasks of a model are taken at the moment, for pages that say so before anybody asks for one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from accounts.models import Tenant
from videos import catalogue
from videos.models import AccountState, UpstreamAccount
from videos.routing.offers import Offers

Condition = AccountState.Condition


class Service(IntEnum):
    """Whether new tasks are taken; of several accounts, the best counts."""

    NONE = 0
    """By nobody, until staff or the provider mend something."""
    PAUSED = 1
    """After a pause."""
    TAKEN = 2


@dataclass(frozen=True)
class Gap:
    """Models whose tasks no account of the platform takes now, and the accounts that have these models."""

    service: Service
    """The best that any of these accounts offers."""
    models: Sequence[str]
    """Empty if it concerns all models."""
    accounts: Sequence[UpstreamAccount]


def service_of(account: UpstreamAccount, state: AccountState, now: datetime) -> Service:
    """Whether the account takes new tasks."""
    if not account.is_enabled or state.condition == Condition.OPEN:
        return Service.NONE
    is_paused = state.condition == Condition.PAUSED and state.retry_at is not None and now < state.retry_at
    return Service.PAUSED if is_paused else Service.TAKEN


def untaken_models(tenant: Tenant | None, now: datetime) -> dict[str, Service]:
    """The models whose tasks are not taken now, for the tenant or, with None, for the platform. One query."""
    offers = Offers.current()
    states = AccountState.objects.in_bulk([account.pk for account in offers.accounts])
    taken = {one.pk: service_of(one, states[one.pk], now) for one in offers.accounts if one.pk in states}
    found = {}
    for spec in catalogue.MODELS:
        pool = offers.pool(spec.name, tenant)
        found[spec.name] = max((taken.get(one.pk, Service.NONE) for one in pool), default=Service.NONE)
    return {model: service for model, service in found.items() if service is not Service.TAKEN}


def gap(accounts: Iterable[UpstreamAccount], now: datetime) -> Gap | None:
    """The models whose tasks no account of the platform takes; None if each has one that does.

    A model that staff disabled on every account is no gap.
    """
    shared = [account for account in accounts if account.owner_id is None]
    taken = {account.pk: service_of(account, account.state, now) for account in shared}
    if not shared:
        return None
    best = max(taken.values())
    if best is not Service.TAKEN:
        return Gap(best, (), shared)
    pools = {spec.name: _having(spec.name, shared) for spec in catalogue.MODELS}
    lacking = {
        model: pool for model, pool in pools.items() if pool and max(taken[one.pk] for one in pool) < best
    }
    if not lacking:
        return None
    concerned = [account for account in shared if any(account in pool for pool in lacking.values())]
    return Gap(max(taken[one.pk] for one in concerned), list(lacking), concerned)


def accounts_for(model: str, tenant: Tenant | None) -> list[UpstreamAccount]:
    """The accounts for the tenant's tasks of the model, working or not, by name; None: the platform's."""
    is_own = tenant is not None and Offers.current().is_on_own_account(model, tenant)
    accounts = UpstreamAccount.objects.filter(owner=tenant if is_own else None).select_related("state")
    return _having(model, accounts.defer("secret_key", "proxy_url").order_by("name"))


def _having(model: str, accounts: Iterable[UpstreamAccount]) -> list[UpstreamAccount]:
    return [account for account in accounts if account.has(model)]
