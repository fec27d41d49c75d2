"""Console pages whose forms make something once, however often they are sent; see `accounts.once`."""

from typing import Any, TypeVar

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from unfold.forms import ActionForm

from accounts import once
from accounts.console.recording import RecordedAdmin
from accounts.once import ChangedForm, FormIdField, Submission

_Row = TypeVar("_Row", bound=Model)
_KEPT = "reelay_kept_for_the_form"


class OnceActionForm(ActionForm):  # type: ignore[misc]  # the theme has no types
    """The choice of an action on a list, as a form that acts once."""

    form_id = FormIdField()


class OnceAdmin(RecordedAdmin[_Row]):
    """Adds a row once for each form, which has a `FormIdField`; sent again, it leads to the same answer."""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST" or once.form_id_in(request.POST) is None:
            return super().add_view(request, form_url, extra_context)
        try:
            with once.submission(request, self.kind) as sent:
                if not sent.is_first:
                    return self._answer_again(request, sent)
                answer = super().add_view(request, form_url, extra_context)
                if isinstance(answer, HttpResponseRedirect):
                    sent.keep(leads_to=answer.url, said=said(request), **vars(request).get(_KEPT, {}))
                return answer
        except ChangedForm:
            messages.error(request, once.CHANGED)
            return super().add_view(_without_id(request), form_url, extra_context)

    @property
    def kind(self) -> str:
        """The kind of result of the forms of this page."""
        return str(self.opts.model_name)

    def keep(self, request: HttpRequest, **result: Any) -> None:
        """Keep more of what the form makes than where it leads and what is said about it."""
        vars(request)[_KEPT] = result

    def _answer_again(self, request: HttpRequest, sent: Submission) -> HttpResponse:
        say_again(request, sent)
        result = sent.result
        if result is None:
            return self.response_post_save_add(request, self.model())
        return HttpResponseRedirect(result["leads_to"])


def said(request: HttpRequest) -> list[tuple[int | None, str, bool]]:
    """Level, text and whether it is HTML of each message. Reading them here leaves them for the next page."""
    storage: Any = messages.get_messages(request)
    found = [(one.level, str(one), isinstance(one.message, SafeString)) for one in storage]
    storage.used = False
    return found


def say_again(request: HttpRequest, sent: Submission) -> None:
    """Add the messages that were `said` and kept when the form was sent first."""
    result = sent.result
    if result is None:
        messages.info(request, once.NOT_SHOWN)
        return
    for level, text, is_html in result["said"]:
        messages.add_message(request, level, SafeString(text) if is_html else text)


def _without_id(request: HttpRequest) -> HttpRequest:
    """The request, whose form is then refused, and shown again with a new id."""
    sent = request.POST.copy()
    del sent[once.FORM_ID]
    request.POST = sent  # type: ignore[assignment]  # nobody changes it any more
    return request
