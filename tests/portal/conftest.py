"""Alice at the form for a video in the portal."""

import pytest
from django.urls import reverse

from tests.conftest import Caller
from tests.support.people import Browser, make_person


@pytest.fixture
def alice(owner: Caller) -> Browser:
    """A member of Alice's tenant, who may create videos."""
    return Browser(make_person("alice", owner.tenant))


@pytest.fixture
def page(owner: Caller) -> str:
    """The address of the form."""
    return reverse("portal:playground", args=[owner.tenant.pk])
