"""The page that lists a person's sessions and ends them."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from accounts import audit
from accounts.keys import digest
from accounts.people import sessions
from accounts.people.browsers import browser_name
from accounts.people.pages import OwnPage

MOST_SHOWN = 50


class SessionsPage(OwnPage, TemplateResponseMixin, ContextMixin, View):
    """Lists the sessions; all but the current one can be ended here."""

    template_name = "people/sessions.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ends the session with this digest, or all other sessions if it is empty."""
        ended = self._end(request.POST.get("session", ""))
        text = (
            _("Sessions ended: %(number)d.") % {"number": ended}
            if ended
            else _("The session had already ended.")
        )
        messages.success(request, text)
        return HttpResponseRedirect(reverse("people:sessions"))

    @transaction.atomic
    def _end(self, name: str) -> int:
        """`name` is the digest of a session key: the key itself would let its holder log in."""
        others = sessions.of(self.person).exclude(session_key=self.request.session.session_key)
        keys = [row.session_key for row in others if name in ("", digest(row.session_key))]
        ended = others.filter(session_key__in=keys).delete()[0]
        subject = audit.subject_of(self.person)
        self.record(subject, ({}, {"sessions ended": ended} if ended else {}), timezone.now())
        return ended

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        here = self.request.session.session_key
        found = sessions.of(self.person)[:MOST_SHOWN]
        rows = [
            (row, browser_name(row.browser), digest(row.session_key), row.session_key == here)
            for row in found
        ]
        return super().get_context_data(rows=rows, **kwargs)
