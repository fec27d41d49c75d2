"""Members of tenants at the pages of the portal."""

import html
import re
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role, Tenant, User

_TAG = re.compile(r"<[^>]*>")


class Member:
    """A logged-in member of a tenant, who opens its pages by route name."""

    def __init__(self, tenant: Tenant, role: Role = Role.OWNER, name: str = "") -> None:
        self.tenant = tenant
        self.user = User.objects.create_user(name or f"{role} of {tenant.name}")
        Membership.objects.create(tenant=tenant, user=self.user, role=role)
        self.client = Client(headers={"accept": "text/html"})
        self.client.force_login(self.user)

    def url(self, page: str, *which: Any, tenant: Tenant | None = None) -> str:
        return reverse(page, args=[(tenant or self.tenant).pk, *which])

    def get(self, page: str, *which: Any, tenant: Tenant | None = None, **query: Any) -> Any:
        return self.client.get(self.url(page, *which, tenant=tenant), query)

    def post(self, page: str, *which: Any, tenant: Tenant | None = None, **fields: Any) -> Any:
        """Send a form that was just opened, unless `form_id` says which."""
        sent = {"form_id": uuid4(), **fields}
        return self.client.post(self.url(page, *which, tenant=tenant), sent)

    def see(self, page: str, *which: Any, **query: Any) -> str:
        """The text of the page."""
        answer = self.get(page, *which, **query)
        assert answer.status_code == 200, answer.status_code
        return words(answer)


def after(answer: Any) -> Any:
    """The page that an answer leads to; the answer itself if it is a page."""
    return answer.client.get(answer.url) if answer.status_code == 302 else answer


def words(answer: Any) -> str:
    """The text of a page without tags and with single spaces."""
    body = _TAG.sub(" ", answer.content.decode())
    return " ".join(html.unescape(body).split())
