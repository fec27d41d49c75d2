"""The tenant's statement for a period: opening balance, movements and closing balance."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.portal.base import TenantPage
from videos.pages import statement


class StatementPage(TenantPage):
    """The statement, by day, with top-ups and adjustments."""

    template_name = "portal/statement.html"
    section = "usage"

    def get(self, request: HttpRequest) -> HttpResponse:
        shown = statement.context(request, self.tenant)
        links = {
            "spend": shown["form"].same_days(reverse("portal:usage", args=[self.tenant.pk])),
            **{table: self._file(table) for table in statement.TABLES},
        }
        return self.render_to_response(self.get_context_data(tab="statement", links=links, **shown))

    def _file(self, table: str) -> str:
        return reverse("portal:statement-csv", args=[self.tenant.pk, table])


class StatementFile(TenantPage):
    """One of the statement's tables, as CSV."""

    def get(self, request: HttpRequest, table: str) -> HttpResponse:
        """Redirects to the page if the period is invalid. Raises `Http404` for an unknown table."""
        form = statement.period_form(request, self.tenant)
        if not form.is_valid():
            return HttpResponseRedirect(form.page(reverse("portal:statement", args=[self.tenant.pk])))
        return statement.file(form, self.tenant, table)
