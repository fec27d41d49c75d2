"""The page that an invitation's link opens."""

from typing import Any

import structlog
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from accounts import audit
from accounts.members import invitations
from accounts.members.invitations import AlreadyMember, NotOpen, OwnInvitation
from accounts.members.naming import INVITER, INVITER_IS_TOLD, Names
from accounts.models import AuditPlace, Invitation, Membership, User
from accounts.people import confirmation
from accounts.people.forms import NewPersonForm
from accounts.people.log_in import begin_session

log = structlog.get_logger(__name__)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class InvitationPage(TemplateResponseMixin, ContextMixin, View):
    """Makes the person logged in, or a new person who registers here, a member of the tenant.

    It never logs into an existing account, and does not reveal whether the address has one. Expired, used and
    unknown links all get the same 404.
    """

    template_name = "people/invitation.html"
    invitation: Invitation

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.invitation = invitations.find(kwargs["token"], timezone.now())
        except NotOpen:
            return self._refuse()
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._show(
            NewPersonForm(instance=self._new_person(), initial={"username": self._proposed_name()})
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            if isinstance(request.user, User):
                return self._welcome(self._accept(token, request.user))
            return self._register(token)
        except NotOpen:
            return self._refuse()
        except OwnInvitation:
            messages.error(request, _("You sent this invitation; only somebody else can accept it."))
            return HttpResponseRedirect(reverse("people:home"))
        except AlreadyMember:
            messages.info(request, _("You are already a member."))
            return HttpResponseRedirect(reverse("portal:overview", args=[self.invitation.tenant_id]))

    def _register(self, token: str) -> HttpResponse:
        form = NewPersonForm(self.request.POST, instance=self._new_person())
        if not form.is_valid():
            return self._show(form)
        try:
            membership = self._accept_as_new(token, form.save(commit=False))
        except IntegrityError:  # the name was taken meanwhile
            return self._show(NewPersonForm(self.request.POST, instance=self._new_person()))
        begin_session(self.request, membership.user)
        self._mail_confirmation(membership.user)
        return self._welcome(membership)

    @transaction.atomic
    def _accept(self, token: str, person: User) -> Membership:
        return self._record(invitations.accept(token, person, timezone.now()))

    @transaction.atomic
    def _accept_as_new(self, token: str, person: User) -> Membership:
        return self._record(invitations.accept_as_new(token, person, timezone.now()))

    def _record(self, membership: Membership) -> Membership:
        by = audit.claimed(self.request, AuditPlace.OWN_PAGES, membership.user)
        inviter = self.invitation.invited_by
        is_told = inviter is not None and not Names(membership.tenant).hides(inviter.pk)
        after = {"role": membership.role, INVITER: audit.plain(inviter), INVITER_IS_TOLD: is_told}
        audit.record_row(by, membership, ({}, after), membership.created_at)
        return membership

    def _welcome(self, membership: Membership) -> HttpResponse:
        tenant = membership.tenant
        log.info(
            "invitation accepted", tenant=str(tenant.pk), person=membership.user_id, role=membership.role
        )
        messages.success(self.request, _("You are now a member of %(tenant)s.") % {"tenant": tenant})
        return HttpResponseRedirect(reverse("portal:overview", args=[tenant.pk]))

    def _mail_confirmation(self, person: User) -> None:
        """Confirms the address with another link, which the inviter cannot see."""
        address = self.invitation.email
        if confirmation.mail_link(self.request, person, address):
            text = _(
                "We sent a link to %(address)s. After you open it, you can also log in with that address."
            )
            messages.info(self.request, text % {"address": address})

    def _proposed_name(self) -> str:
        return self.invitation.email.partition("@")[0]

    def _new_person(self) -> User:
        """Has the address, so that a password similar to it is refused."""
        return User(email=self.invitation.email)

    def _show(self, form: NewPersonForm) -> HttpResponse:
        return self.render_to_response(
            self.get_context_data(invitation=self.invitation, form=form, path=self.request.path)
        )

    def _refuse(self) -> HttpResponse:
        return self.render_to_response(self.get_context_data(invitation=None), status=404)
