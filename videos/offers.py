"""Which models are on offer, and which upstream account serves a request."""

from videos import catalogue
from videos.catalogue import ModelSpec
from videos.errors import NoUpstreamAccount
from videos.models import UpstreamAccount


class Offers:
    """The models that some enabled account serves. One query, when first needed."""

    def __init__(self) -> None:
        self._accounts: list[UpstreamAccount] | None = None

    @property
    def accounts(self) -> list[UpstreamAccount]:
        """The enabled accounts, the oldest first."""
        if self._accounts is None:
            enabled = UpstreamAccount.objects.filter(is_enabled=True)
            self._accounts = list(enabled.defer("secret_key").order_by("pk"))
        return self._accounts

    def models(self) -> list[ModelSpec]:
        """The models on offer, in the catalogue's order."""
        return [spec for spec in catalogue.MODELS if self._offered(spec)]

    def find(self, name: str) -> ModelSpec | None:
        """The model of that name, if it is on offer."""
        spec = catalogue.find(name)
        return spec if spec and self._offered(spec) else None

    def account_for(self, spec: ModelSpec) -> UpstreamAccount:
        """The account to serve the model. Raises `NoUpstreamAccount`."""
        for account in self.accounts:
            if account.offers(spec.name):
                return account
        raise NoUpstreamAccount

    def _offered(self, spec: ModelSpec) -> bool:
        # Where no account is set up yet, requests can still be checked.
        return not self.accounts or any(account.offers(spec.name) for account in self.accounts)
