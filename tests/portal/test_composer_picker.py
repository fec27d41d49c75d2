"""The model of the form is chosen by family, version and resolution, each with its offer and price."""

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.conftest import Caller
from tests.support.people import Browser, leads_to, text
from videos import catalogue
from videos.capabilities import modes_of
from videos.composer.picker import WORDS, Picker, default, picked
from videos.models import Price, Task, UpstreamAccount
from videos.routing.offers import Offers

ANSWERS: dict[str, Any] = {"model": "Kling-2.5-1080p", "seconds": "10", "prompt": "she smiles"}


def sent(**answers: Any) -> dict[str, Any]:
    return {**ANSWERS, "family": "Kling", "version": "2.5", "form_id": str(uuid4()), **answers}


@pytest.mark.parametrize(
    ("family", "version", "leads"),
    [
        ("Kling", "2.5", "Kling-2.5-1080p"),
        ("", "", "Kling-2.5-1080p"),
        ("Kling", "2.6", "Kling-2.6-1080p"),
        ("Kling", "9.9", "Kling-2.5-1080p"),
        ("Vidu", "2.5", "Vidu-q3-pro-1080p"),
        ("OS", "2.5", "OS-2.0-720p"),
        ("Nobody", "2.5", "Kling-2.5-1080p"),
    ],
)
def test_another_family_or_version_leads_to_the_model_most_like_the_one_before(
    family: str, version: str, leads: str
) -> None:
    spec = picked("kling-2.5-1080P", family, version, catalogue.MODELS)
    assert spec is not None
    assert spec.name == leads
    assert picked("no model", family, version, catalogue.MODELS) is None


def test_each_model_can_be_reached_and_each_mode_has_its_word() -> None:
    for spec in catalogue.MODELS:
        steps = Picker(spec, catalogue.MODELS, lambda _: [])
        for cards, value in (
            (steps.families, spec.family),
            (steps.versions, spec.version),
            (steps.resolutions, spec.name),
        ):
            assert [card.value for card in cards if card.is_chosen] == [value]
            assert len({card.value for card in cards}) == len(cards)
        assert {mode.name for mode in modes_of(spec)} <= {"text", *WORDS}
    assert default(catalogue.MODELS).name == "Kling-3.0-720p"


def test_a_card_shows_the_price_the_lengths_and_the_abilities(db: None, owner: Caller) -> None:
    Price.objects.all().delete()
    now = timezone.now()
    for model, per_second, audio in (
        ("Kling-2.5-720p", "0.3", False),
        ("Kling-2.5-1080p", "0.5", False),
        ("Kling-2.5-1080p", "0.9", True),
    ):
        Price.objects.create(model=model, per_second=per_second, with_audio=audio, valid_from=now)
    offers, spec = Offers(), catalogue.find("Kling-2.5-1080p")
    assert spec is not None
    steps = Picker(spec, catalogue.MODELS, lambda one: offers.prices_for(owner.tenant, one, now))
    [version] = [card for card in steps.versions if card.value == "2.5"]
    assert version.traits.price == "0.30-0.50 CNY/s"
    assert version.traits.lengths == "5 or 10 s"
    assert version.traits.abilities == ["First and last frame", "Sound"]
    lower, full = steps.resolutions
    assert (lower.label, lower.traits.price, lower.traits.abilities) == (
        "720p",
        "0.30 CNY/s",
        ["First frame"],
    )
    assert full.traits.price == "0.50 CNY/s"
    [family] = [card for card in steps.families if card.value == "Kling"]
    assert family.traits.lengths == "3-15 s"
    assert {"Up to 7 references", "Reference video", "Several shots"} <= {*family.traits.abilities}
    [unpriced] = [card for card in steps.versions if card.value == "1.6"]
    assert unpriced.traits.price == ""
    # A surcharge is not the usual price: without sound, the model is not sold.
    Price.objects.create(model="Kling-1.6-720p", per_second="0.5", with_audio=True, valid_from=now)
    offers = Offers()
    [surcharged] = [card for card in steps.versions if card.value == "1.6"]
    assert (surcharged.traits.price, "Sound" in surcharged.traits.abilities) == ("", True)


def test_a_model_on_the_tenants_own_account_is_free_where_it_has_no_price(
    alice: Browser, page: str, owner: Caller, account: UpstreamAccount
) -> None:
    UpstreamAccount.objects.filter(pk=account.pk).update(owner=owner.tenant)
    Price.objects.create(model="Kling-2.5-720p", on_own_account=True, with_audio=True, per_second="0.9")
    Price.objects.create(model="Kling-2.5-1080p", on_own_account=True, per_second="0.2")
    shown = " ".join(text(alice.client.post(f"{page}?part=fields", sent())).split())
    assert 'id="pick-family-Vidu-traits"><span class="traits"><span>Free: your own account' in shown
    assert "<span>0.00-0.20 CNY/s</span>" in shown
    assert 'id="pick-model-Kling-2.5-720p-traits"><span class="traits"><span>Free: your own' in shown
    free, dear = (
        text(alice.client.post(f"{page}?part=preview", sent(model=model), headers={"hx-request": "true"}))
        for model in ("Kling-2.5-720p", "Kling-2.5-1080p")
    )
    assert "Free: your own account" in free
    assert "10 s at 0.20 a second" in dear
    sophie = Browser(User.objects.create_superuser("sophie"))
    add = f"{reverse('admin:videos_task_add')}?part=fields"
    assert "Free: the tenant's own account" in text(sophie.client.post(add, sent(tenant=owner.tenant.name)))


def test_the_page_offers_what_the_tenant_may_request(
    alice: Browser,
    page: str,
    owner: Caller,
    account: UpstreamAccount,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    offered = ("GV-3.1-720p", "Vidu-q2-720p")
    account.disabled_models = [spec.name for spec in catalogue.MODELS if spec.name not in offered]
    account.owner = owner.tenant
    account.save()
    owner.tenant.only_own_account = True
    owner.tenant.save()
    with django_assert_max_num_queries(15):
        shown = alice.see(page)
    assert shown.count('name="family"') == 2
    assert '<input type="radio" name="model" value="GV-3.1-720p" id="pick-model-GV-3.1-720p" checked' in shown
    assert "Kling" not in shown


def test_a_step_redraws_the_form_with_and_without_script(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    checked = 'name="model" value="Kling-2.6-1080p" id="pick-model-Kling-2.6-1080p" checked'
    for headers in ({"hx-request": "true"}, {}):
        shown = text(alice.client.post(f"{page}?part=fields&pick", sent(version="2.6"), headers=headers))
        assert checked in shown
        assert '<details class="picker" id="picker" open>' in shown
    shown = text(alice.client.post(f"{page}?part=fields", sent()))
    assert '<details class="picker" id="picker">' in shown


def test_no_video_is_made_of_a_model_that_was_not_seen(
    alice: Browser, page: str, account: UpstreamAccount
) -> None:
    """Without script, another family may be chosen and the form sent before it is drawn anew."""
    shown = text(alice.client.post(page, sent(family="Vidu")))
    assert "The model was changed" in shown
    assert 'id="pick-model-Vidu-q3-pro-1080p" checked' in shown
    assert not Task.objects.exists()
    leads_to(alice.client.post(page, sent()))
    assert Task.objects.get().model == "Kling-2.5-1080p"


def test_the_console_offers_models_too(owner: Caller, account: UpstreamAccount) -> None:
    sophie = Browser(User.objects.create_superuser("sophie"))
    shown = sophie.see(reverse("admin:videos_task_add"))
    assert 'id="pick-family-Vidu"' in shown
