"""The bucket of a tenant, on the tenant's page in the staff console."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.console.memberships import ChangedColumnsFormSet
from accounts.models import CosBucket, Tenant
from accounts.pages.bucket_forms import CosBucketForm
from config.console.theme import StackedInline


class ThemedBucketForm(CosBucketForm):
    """The bucket form with the console's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_secret_key"].widget = UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "new-password"}
        )


class CosBucketInline(StackedInline[CosBucket, Tenant]):
    """The bucket that the tenant's videos are stored in."""

    model = CosBucket
    form = ThemedBucketForm
    formset = ChangedColumnsFormSet
    fields = ["bucket", "region", "path_prefix", "secret_id", "new_secret_key", "role_arn", "keep_copy"]
    template_after = "admin/accounts/tenant/check_bucket.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CosBucket]:
        """Defers the secret key, so that the page opens even if the encryption key is lost."""
        return super().get_queryset(request).defer("secret_key")
