"""A person's profile: who they are, how they log in, and which tenants they belong to."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic.base import TemplateView
from django.views.generic.edit import FormView

from accounts import audit
from accounts.mail import TOO_OFTEN
from accounts.models import Membership, User
from accounts.people import confirmation, notices, totp
from accounts.people.forms import EmailForm, NameForm
from accounts.people.pages import OwnPage


class ProfilePage(OwnPage, FormView[NameForm]):
    """All of it; the name is changed on the spot."""

    template_name = "people/profile.html"
    form_class = NameForm
    success_url = reverse_lazy("people:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        """Read anew, so that a name that is refused is not shown as theirs."""
        return {**super().get_form_kwargs(), "instance": User.objects.get(pk=self.person.pk)}

    def form_valid(self, form: NameForm) -> HttpResponse:
        """Save the name."""
        self._save(form)
        messages.success(self.request, _("Saved."))
        return super().form_valid(form)

    @transaction.atomic
    def _save(self, form: NameForm) -> None:
        before = {name: form.initial[name] for name in form.changed_data}
        form.instance.save(update_fields=form.changed_data)
        after = audit.values(form.instance, form.changed_data)
        self.record(audit.subject_of(form.instance), (before, after), timezone.now())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the tenants and the second factor."""
        mine = Membership.objects.filter(user=self.person).select_related("tenant").order_by("tenant__name")
        return super().get_context_data(
            memberships=mine, has_second_factor=totp.of(self.person) is not None, **kwargs
        )


class EmailPage(OwnPage, FormView[EmailForm]):
    """Sends a link to a new address, which is theirs once they follow it."""

    template_name = "people/email.html"
    form_class = EmailForm
    success_url = reverse_lazy("people:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        """With whose password is wanted."""
        return {**super().get_form_kwargs(), "request": self.request, "person": self.person}

    def form_valid(self, form: EmailForm) -> HttpResponse:
        """Mail the link. Whether somebody has the address is told by the link alone."""
        address = form.cleaned_data["email"]
        if not confirmation.mail_link(self.request, self.person, address):
            form.add_error("email", str(TOO_OFTEN))
            return self.form_invalid(form)
        messages.info(self.request, _("We sent a link to %(address)s. Follow it.") % {"address": address})
        return super().form_valid(form)


class ConfirmEmailPage(OwnPage, TemplateView):
    """Where that link leads."""

    template_name = "people/confirm_email.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask once more, for mail programs follow links on their own."""
        address = confirmation.address_in(kwargs["signed"], self.person)
        status = 200 if address else 404
        return self.render_to_response(self.get_context_data(address=address), status=status)

    def post(self, request: HttpRequest, signed: str) -> HttpResponse:
        """Take the address."""
        address = confirmation.address_in(signed, self.person)
        if address is None or not self._take(address):
            return self.render_to_response(self.get_context_data(address=None), status=404)
        messages.success(request, _("Your e-mail address is %(address)s now.") % {"address": address})
        return HttpResponseRedirect(reverse("people:profile"))

    @transaction.atomic
    def _take(self, address: str) -> bool:
        person, before, now = self.person, self.person.email, timezone.now()
        if not confirmation.take(person, address):
            return False
        person.refresh_from_db(fields=["email"])
        self.record(audit.subject_of(person), ({"email": before}, {"email": address}), now)
        notices.email_changed(self.request, person, before, now)
        return True
