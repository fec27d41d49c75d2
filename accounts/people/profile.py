"""A person's profile: who they are, how they log in, and which tenants they belong to."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic.base import TemplateView
from django.views.generic.edit import FormView

from accounts import mail, second_factor
from accounts.links import absolute
from accounts.models import Membership, User
from accounts.people import naming
from accounts.people.forms import EmailForm, NameForm
from accounts.people.pages import OwnPage

_LINK_LIFE = timedelta(hours=1)
_SALT = "accounts.people.email"


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
        form.instance.save(update_fields=form.changed_data)
        messages.success(self.request, _("Saved."))
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the tenants and the second factor."""
        mine = Membership.objects.filter(user=self.person).select_related("tenant").order_by("tenant__name")
        return super().get_context_data(
            memberships=mine, has_second_factor=second_factor.of(self.person) is not None, **kwargs
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
        signed = signing.dumps([self.person.pk, self.person.email, address], salt=_SALT)
        link = absolute(reverse("people:confirm-email", args=[signed]), self.request)
        mail.send("confirm_email", address, {"link": link, "person": self.person})
        messages.info(self.request, _("We sent a link to %(address)s. Follow it.") % {"address": address})
        return super().form_valid(form)


class ConfirmEmailPage(OwnPage, TemplateView):
    """Where that link leads."""

    template_name = "people/confirm_email.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask once more, for mail programs follow links on their own."""
        address = self._address(kwargs["signed"])
        status = 200 if address else 404
        return self.render_to_response(self.get_context_data(address=address), status=status)

    def post(self, request: HttpRequest, signed: str) -> HttpResponse:
        """Take the address."""
        address = self._address(signed)
        if address is None or not _take(self.person, address):
            return self.render_to_response(self.get_context_data(address=None), status=404)
        messages.success(request, _("Your e-mail address is %(address)s now.") % {"address": address})
        return HttpResponseRedirect(reverse("people:profile"))

    def _address(self, signed: str) -> str | None:
        """The address, if the link is this person's, young, and the address did not change since."""
        try:
            person, before, address = signing.loads(signed, salt=_SALT, max_age=_LINK_LIFE)
        except signing.BadSignature:
            return None
        return address if (person, before) == (self.person.pk, self.person.email) else None


def _take(person: User, address: str) -> bool:
    """Whether the address is the person's now; it is not where somebody else has it."""
    if naming.is_taken(address, besides=person):
        return False
    try:
        with transaction.atomic():
            return User.objects.filter(pk=person.pk, email=person.email).update(email=address) > 0
    except IntegrityError:
        return False
