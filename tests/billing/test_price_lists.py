"""Prices of a tenant's own list go before those of the default list, everywhere and at once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry
from tests.conftest import GOOD_BODY, Caller, order_video
from tests.support.console import Person
from tests.support.members import words
from videos.console.prices import IN_FORCE, SUPERSEDED, state_at
from videos.models import Price, PriceList, TenantPriceList, UpstreamAccount

MODEL = GOOD_BODY["model"]
DAY = timedelta(days=1)
DEFAULT, WITH_AUDIO = Decimal("0.80"), Decimal("1.20")
"""The default list's prices of the model."""
PRICES, LISTS = "/admin/videos/price/", "/admin/videos/pricelist/"
WHY = "Their contract."


@pytest.fixture
def vip(owner: Caller, account: UpstreamAccount) -> PriceList:
    """Alice's list; Charlie has none."""
    price_list = PriceList.objects.create(name="VIP")
    TenantPriceList.objects.create(tenant=owner.tenant, price_list=price_list)
    return price_list


def price(price_list: PriceList | None, per_second: str, **fields: Any) -> Price:
    defaults = {"model": MODEL, "per_second": Decimal(per_second), "valid_from": timezone.now() - DAY}
    return Price.objects.create(price_list=price_list, **(defaults | fields))


def per_second(caller: Caller) -> Decimal:
    """What a second of a new video costs the caller."""
    return order_video(caller).price / int(GOOD_BODY["seconds"])


def offered(caller: Caller) -> dict[tuple[str, ...], Decimal]:
    """The prices of the model by options, as the API tells them."""
    [found] = [one for one in caller.get("/v1/models").json()["data"] if one["id"] == MODEL]
    prices = found["capabilities"]["price"]
    return {tuple(one["options"]): Decimal(one["per_second"]) for one in prices}


def test_a_tenant_pays_the_price_of_its_list_and_else_that_of_the_default_list(
    owner: Caller, stranger: Caller, vip: PriceList
) -> None:
    assert (per_second(owner), per_second(stranger)) == (DEFAULT, DEFAULT)
    base = price(vip, "0.5")
    assert (per_second(owner), per_second(stranger)) == (Decimal("0.5"), DEFAULT)
    assert offered(owner) == {(): Decimal("0.5"), ("audio",): WITH_AUDIO}
    assert offered(stranger) == {(): DEFAULT, ("audio",): WITH_AUDIO}
    checked = owner.post("/v1/videos/validate", GOOD_BODY).json()
    assert Decimal(checked["price"]["per_second"]) == Decimal("0.5")
    price(None, "0.7")  # later, but of the default list
    assert (per_second(owner), per_second(stranger)) == (Decimal("0.5"), Decimal("0.7"))
    base.valid_until = timezone.now()
    base.save(update_fields=["valid_until"])
    price(vip, "0.1", valid_from=timezone.now() + DAY)
    assert per_second(owner) == Decimal("0.7")
    TenantPriceList.objects.update(price_list=None)
    assert offered(owner) == offered(stranger)


def test_a_create_takes_no_more_statements_with_a_list(owner: Caller, vip: PriceList) -> None:
    def statements() -> int:
        owner.post("/v1/videos", GOOD_BODY)  # the offers are read again after a change
        with CaptureQueriesContext(connection) as asked:
            assert owner.post("/v1/videos", GOOD_BODY).status_code == 200
        return len(asked)

    with_list = statements()
    TenantPriceList.objects.all().delete()
    assert with_list == statements()


def test_a_price_supersedes_only_prices_of_its_own_list(vip: PriceList) -> None:
    earlier, later = price(vip, "0.5"), price(vip, "0.4", valid_from=timezone.now() - DAY / 2)
    states = dict(
        Price.objects.filter(model=MODEL, with_audio=False)
        .annotate(state=state_at(timezone.now()))
        .values_list("pk", "state")
    )
    assert (states.pop(earlier.pk), states.pop(later.pk)) == (SUPERSEDED, IN_FORCE)
    assert list(states.values()) == [IN_FORCE]


def test_a_list_in_use_is_not_deleted(vip: PriceList) -> None:
    with pytest.raises(ProtectedError):
        vip.delete()


def test_staff_choose_the_list_of_a_tenant_with_a_reason(owner: Caller, account: UpstreamAccount) -> None:
    sophie = Person("sophie")
    assert sophie.fill_in(f"{LISTS}add/", name="VIP", note="By contract").errors == []
    vip = PriceList.objects.get()
    assert sophie.fill_in(f"{PRICES}add/", price_list=str(vip.pk), model=MODEL, per_second="0.5", reason=WHY)
    assert AuditEntry.objects.latest("id").subject == f"price of {MODEL} (VIP)"
    overview = f"/admin/accounts/tenant/{owner.tenant.pk}/"
    page = f"{overview}change/?tab=prices"
    field = "price_list-0-price_list"
    assert sophie.fill_in(page, **{field: str(vip.pk)}).errors
    assert per_second(owner) == DEFAULT
    assert sophie.fill_in(page, **{field: str(vip.pk)}, reason=WHY).errors == []
    assert sophie.open(page)[field] == str(vip.pk)
    assert "Price list VIP" in words(sophie.get(overview))
    assert per_second(owner) == Decimal("0.5")
    assert sophie.fill_in(page, **{field: ""}, reason="It ended.").errors == []
    assert per_second(owner) == DEFAULT
    entries = AuditEntry.objects.filter(subject="price list of Alice").order_by("id")
    assert [(entry.before, entry.after, entry.reason) for entry in entries] == [
        ({"price_list": None}, {"price_list": "VIP"}, WHY),
        ({"price_list": "VIP"}, {"price_list": None}, "It ended."),
    ]


def test_the_lists_of_prices_are_shown_and_filtered(vip: PriceList) -> None:
    sophie = Person("sophie")
    price(vip, "0.5")
    rows = {
        query: sophie.see(f"{PRICES}?{query}").count('<tr class="data-row')
        for query in (f"list={vip.pk}", f"list=default&q={MODEL}", f"q={MODEL}", f"list=9x&q={MODEL}")
    }
    assert list(rows.values()) == [1, 2, 3, 3]
    page = words(sophie.get(f"{PRICES}?q={MODEL}"))
    assert "Default list" in page
    assert "VIP" in page
    assert f'href="{PRICES}?list={vip.pk}">1</a>' in sophie.see(LISTS)
