"""Which models are on offer, which upstream account serves a request, and what it costs."""

from datetime import datetime
from functools import cached_property
from typing import ClassVar
from uuid import UUID

from videos import catalogue
from videos.billing.prices import PriceList, Quote
from videos.catalogue import ModelSpec
from videos.errors import NoUpstreamAccount
from videos.models import OfferRevision, UpstreamAccount
from videos.requests import VideoRequest


class Offers:
    """The models that some enabled account serves, and their prices, as they were when it was made."""

    _latest: ClassVar["tuple[UUID, Offers] | None"] = None

    def __init__(self) -> None:
        """Two queries."""
        enabled = UpstreamAccount.objects.filter(is_enabled=True)
        self.accounts = list(enabled.defer("secret_key").order_by("pk"))
        """The enabled accounts, the oldest first."""
        self.prices = PriceList.load()

    @classmethod
    def current(cls) -> "Offers":
        """Those of now; one query, where nothing changed since they were last asked for."""
        return cls.at(OfferRevision.objects.values_list("revision", flat=True).first())

    @classmethod
    def at(cls, revision: UUID | None) -> "Offers":
        """Those of that revision, kept until another is asked for; without one, freshly read."""
        latest = cls._latest
        if revision is not None and latest is not None and latest[0] == revision:
            return latest[1]
        offers = cls()
        if revision is not None:
            cls._latest = (revision, offers)
        return offers

    def models(self) -> list[ModelSpec]:
        """The models on offer, in the catalogue's order."""
        return [spec for spec in catalogue.MODELS if self._offered(spec)]

    def find(self, name: str) -> ModelSpec | None:
        """The model of that name, if it is on offer."""
        spec = catalogue.find(name)
        return spec if spec and self._offered(spec) else None

    def server_of(self, model: str) -> UpstreamAccount | None:
        """The account that serves the model of that name: the oldest one that may; None where none does."""
        return next((account for account in self.accounts if account.offers(model)), None)

    def account_for(self, spec: ModelSpec) -> UpstreamAccount:
        """The account that serves the model. Raises `NoUpstreamAccount`."""
        account = self.server_of(spec.name)
        if account is None:
            raise NoUpstreamAccount
        return account

    def served_by(self, account_id: int) -> list[str]:
        """The names of the models that the account serves."""
        return self._served.get(account_id, [])

    @cached_property
    def _served(self) -> dict[int, list[str]]:
        served: dict[int, list[str]] = {}
        for spec in catalogue.MODELS:
            if account := self.server_of(spec.name):
                served.setdefault(account.pk, []).append(spec.name)
        return served

    def quote(self, request: VideoRequest, now: datetime) -> Quote:
        """What the request costs now. Raises `NoPrice`."""
        return self.prices.quote(request, now)

    def _offered(self, spec: ModelSpec) -> bool:
        # Where no account is set up yet, requests can still be checked.
        return not self.accounts or any(account.offers(spec.name) for account in self.accounts)
