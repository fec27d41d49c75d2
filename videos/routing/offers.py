"""The offers: which models are available, which upstream account serves each, and prices."""

from functools import cached_property
from typing import ClassVar
from uuid import UUID

from videos import catalogue
from videos.billing.prices import PriceList
from videos.catalogue import ModelSpec
from videos.errors import NoUpstreamAccount
from videos.models import OfferRevision, UpstreamAccount


class Offers:
    """A snapshot of the models that enabled accounts serve, and of their prices."""

    _latest: ClassVar["tuple[UUID, Offers] | None"] = None

    def __init__(self) -> None:
        enabled = UpstreamAccount.objects.filter(is_enabled=True)
        self.accounts = list(enabled.defer("secret_key").order_by("pk"))
        """The enabled accounts, oldest first."""
        self.prices = PriceList.load()

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

    def models(self) -> list[ModelSpec]:
        return [spec for spec in catalogue.MODELS if self._offered(spec)]

    def find(self, name: str) -> ModelSpec | None:
        spec = catalogue.find(name)
        return spec if spec and self._offered(spec) else None

    def server_of(self, model: str) -> UpstreamAccount | None:
        """The account that serves the model of that name: the oldest enabled one that offers it."""
        return next((account for account in self.accounts if account.offers(model)), None)

    def account_for(self, spec: ModelSpec) -> UpstreamAccount:
        """As `server_of`. Raises `NoUpstreamAccount`."""
        account = self.server_of(spec.name)
        if account is None:
            raise NoUpstreamAccount
        return account

    def served_by(self, account_id: int) -> list[str]:
        """The names of the models that the account serves."""
        return self._served.get(account_id, [])

    def competing(self, model: str) -> list[str]:
        """The models whose tasks compete with that one's for the same account; itself if none serves it."""
        account = self.server_of(model)
        return self.served_by(account.pk) if account else [model]

    @cached_property
    def _served(self) -> dict[int, list[str]]:
        served: dict[int, list[str]] = {}
        for spec in catalogue.MODELS:
            if account := self.server_of(spec.name):
                served.setdefault(account.pk, []).append(spec.name)
        return served

    def _offered(self, spec: ModelSpec) -> bool:
        # Without any enabled account, requests can still be checked.
        return not self.accounts or any(account.offers(spec.name) for account in self.accounts)
