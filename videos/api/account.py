"""`GET /v1/account`: the limits of the tenant and its key, their use, and the balance."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import APIKey, Scope
from accounts.quotas.in_force import LIMITS
from config.amounts import format_amount
from videos.api.base import View
from videos.billing.account import account_of


class AccountView(View):
    """`GET /v1/account`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        tenant = self.key.tenant
        account = account_of(tenant, timezone.now())
        day_ends, month_ends = account.period.day_ends, account.period.month_ends
        return Response(
            {
                "object": "account",
                "name": tenant.name,
                "time_zone": tenant.clock.zone_at(timezone.now()).key,
                "currency": settings.CURRENCY,
                "limits": {name: _shown(getattr(account.quota, name)) for name in LIMITS},
                "use": {name: _shown(used) for name, used in asdict(account.use).items()},
                "balance": {
                    "prepaid": account.quota.is_prepaid,
                    # A postpaid tenant has no balance that could run out.
                    "available": format_amount(account.balance) if account.quota.is_prepaid else None,
                    "held": format_amount(account.held),
                },
                "resets": {"day": day_ends.isoformat(), "month": month_ends.isoformat()},
                "key": _key(self.key),
            }
        )


def _key(key: APIKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "expires_at": None if key.expires_at is None else int(key.expires_at.timestamp()),
        "allowed_models": key.allowed_models,
        "allowed_networks": key.allowed_networks,
        "requests_per_minute": key.requests_per_minute,
        "spend_per_month": _shown(key.spend_per_month),
    }


def _shown(limit: int | str | Decimal | None) -> int | str | None:
    return format_amount(limit) if isinstance(limit, Decimal) else limit
