"""Upstream accounts in the staff console."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.console.lists import ListAdmin
from accounts.console.reasons import record
from config.console.filters import ChoiceFilter, FieldChoiceFilter
from videos.console.account_form import UpstreamAccountForm, proxy_change, proxy_place
from videos.console.account_health import HealthPages, condition_chip, followed
from videos.models import AccountState, UpstreamAccount

CONNECT = "videos.connect_upstreamaccount"
"""Permission to set endpoint and proxy; without it, a new account gets the endpoint of its product."""
_GUARDED = ("endpoint", "new_proxy_url", "removes_proxy")
_WRITTEN_ONLY = ("new_secret_key", "new_proxy_url", "removes_proxy", "reason")
"""Fields of the form without a value to show, so that who may only view the account does not see them."""
_CONNECTION = [
    *("endpoint", "region", "sub_app_id", "secret_id", "new_secret_key"),
    *("proxy", "new_proxy_url", "removes_proxy"),
]
_TASKS = ["weight", "most_open_tasks", "creates_per_second", "describes_per_second", "disabled_models"]
_WANTS_REASON = _("Required to change the product, owner, endpoint or proxy; recorded with the change.")


class OwnedFilter(ChoiceFilter):
    """Filters by whose account it is."""

    title = _("owner")
    parameter_name = "owned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("platform", _("The platform")), ("tenant", _("A tenant"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(owner__isnull=value == "platform")


class ConditionFilter(ChoiceFilter):
    """Filters by condition."""

    title = _("condition")
    parameter_name = "condition"
    column = "state__condition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(AccountState.Condition.choices)


@admin.register(UpstreamAccount)
class UpstreamAccountAdmin(HealthPages, ListAdmin[UpstreamAccount]):
    """Upstream accounts."""

    form = UpstreamAccountForm
    recorded_by_page = frozenset({"new_proxy_url", "removes_proxy"})
    list_display = ["name", "condition", "is_enabled", "product", "owned_by", "weight"]
    list_filter = [("product", FieldChoiceFilter), OwnedFilter, ConditionFilter]
    list_filter_submit = True
    list_select_related = ["owner", "state"]
    ordering = ["name"]
    search_fields = ["name"]
    search_help_text = _("Name of an account")
    autocomplete_fields = ["owner"]
    change_form_outer_before_template = "admin/videos/upstreamaccount/health.html"

    def get_fieldsets(self, request: HttpRequest, obj: UpstreamAccount | None = None) -> Any:
        """Without what can only be written, if the user may not."""
        may_change = obj is None or self.has_change_permission(request, obj)
        hidden = {
            *(() if may_change else _WRITTEN_ONLY),
            *(() if request.user.has_perm(CONNECT) else _GUARDED[1:]),
            *(() if obj else ("proxy", "removes_proxy")),
        }
        groups = [
            (None, ["name", "product", "owner", "is_enabled"], ""),
            (_("Connection"), _CONNECTION, ""),
            (_("Tasks"), _TASKS, ""),
            *([(_("Reason"), ["reason"], _WANTS_REASON)] if may_change and obj else []),
        ]
        return [
            (title, {"fields": [name for name in names if name not in hidden], "description": description})
            for title, names, description in groups
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: UpstreamAccount | None = None) -> Any:
        """The endpoint and the proxy need a permission, because who sets them could read every request."""
        return ("proxy", *(() if request.user.has_perm(CONNECT) else _GUARDED))

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamAccount]:
        """Without secrets, so that the page opens even if their encryption key is lost."""
        return super().get_queryset(request).defer("secret_key", "proxy_url")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account: UpstreamAccount | None = context.get("original")
        context["health"] = account and followed(account.state)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: UpstreamAccount, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the changes; an empty secret key or proxy keeps the stored one."""
        before = proxy_place(obj)
        columns = [*form.written(), *form.write_secrets()]
        obj.save(update_fields=columns if change else None)
        changed = proxy_change(before, proxy_place(obj), is_entered="proxy_url" in columns)
        record(request, audit.subject_of(obj), form.cleaned_data.get("reason") or "", changed, obj.owner)

    @admin.display(description=_("condition"), ordering="state__condition")
    def condition(self, account: UpstreamAccount) -> SafeString:
        return condition_chip(account.state)

    @admin.display(description=_("proxy"))
    def proxy(self, account: UpstreamAccount) -> str:
        return proxy_place(account) or gettext("None")

    @admin.display(description=_("owner"), ordering="owner__name")
    def owned_by(self, account: UpstreamAccount) -> str:
        return account.owner.name if account.owner else gettext("The platform")
