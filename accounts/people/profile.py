"""A person's profile: name, e-mail address, second factor and tenants."""

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
    """Shows the profile, with a form for the name."""

    template_name = "people/profile.html"
    form_class = NameForm
    success_url = reverse_lazy("people:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        """Reloads the person, so that a refused name is not shown as theirs."""
        return {**super().get_form_kwargs(), "instance": User.objects.get(pk=self.person.pk)}

    def form_valid(self, form: NameForm) -> HttpResponse:
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
        mine = Membership.objects.filter(user=self.person).select_related("tenant").order_by("tenant__name")
        return super().get_context_data(
            memberships=mine, has_second_factor=totp.of(self.person) is not None, **kwargs
        )


class EmailPage(OwnPage, FormView[EmailForm]):
    """Mails a link to a new address, which becomes the person's when they follow it."""

    template_name = "people/email.html"
    form_class = EmailForm
    success_url = reverse_lazy("people:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request, "person": self.person}

    def form_valid(self, form: EmailForm) -> HttpResponse:
        """Does not reveal whether the address is taken: only the link does."""
        address = form.cleaned_data["email"]
        if not confirmation.mail_link(self.request, self.person, address):
            form.add_error("email", str(TOO_OFTEN))
            return self.form_invalid(form)
        messages.info(
            self.request,
            _("We sent a link to %(address)s. Open it to confirm the address.") % {"address": address},
        )
        return super().form_valid(form)


class ConfirmEmailPage(OwnPage, TemplateView):
    """The page the confirmation link opens."""

    template_name = "people/confirm_email.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Asks for confirmation, because mail programs open links on their own."""
        address = confirmation.address_in(kwargs["signed"], self.person)
        status = 200 if address else 404
        return self.render_to_response(self.get_context_data(address=address), status=status)

    def post(self, request: HttpRequest, signed: str) -> HttpResponse:
        address = confirmation.address_in(signed, self.person)
        if address is None or not self._take(address):
            return self.render_to_response(self.get_context_data(address=None), status=404)
        messages.success(request, _("Your e-mail address is now %(address)s.") % {"address": address})
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
