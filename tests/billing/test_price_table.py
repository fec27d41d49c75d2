"""The table of prices: in force and to come, of a list in the console, a tenant's own in the portal."""

import re
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role, Tenant
from tests.conftest import Caller
from tests.support.console import Person
from tests.support.members import Member, words
from videos.models import Price, PriceList, TenantPriceList, UpstreamAccount

MODEL = "Kling-3.0-1080p"
TABLE = "/admin/videos/price/table/"
DAY = timedelta(days=1)
HEADINGS = "Version Resolution Base price with audio with reference off-peak"


def _plain(text: str) -> str:
    """The text with hyphens for the dashes of empty cells."""
    return text.replace("\N{EN DASH}", "-")


def test_a_tenant_sees_its_own_prices_and_the_ones_to_come(
    owner: Caller,
    stranger: Caller,
    account: UpstreamAccount,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    vip, now = PriceList.objects.create(name="VIP"), timezone.now()
    TenantPriceList.objects.create(tenant=owner.tenant, price_list=vip)
    own = {"price_list": vip, "model": MODEL}
    Price.objects.create(**own, per_second=Decimal("0.555"), valid_from=now - DAY, valid_until=now + 3 * DAY)
    Price.objects.create(**own, with_audio=True, per_second=Decimal("1.1"), valid_from=now + DAY)
    alice, charlie = Member(owner.tenant, Role.VIEWER), Member(stranger.tenant, Role.VIEWER)
    with django_assert_max_num_queries(10):
        page = _plain(alice.see("portal:prices"))
    assert HEADINGS in page
    ends, starts = (f"{now + days * DAY:%Y-%m-%d %H:%M}" for days in (3, 1))
    assert "Kling 1.6 720p 0.40 - - - - - 1.6 1080p 0.70 -" in page
    assert f"3.0 1080p 0.555 0.80 from {ends} 1.20 1.10 from {starts} -" in page
    assert "3.0 1080p 0.80 1.20 -" in _plain(charlie.see("portal:prices"))


def test_models_on_an_own_account_are_free_or_at_their_own_price(
    owner: Caller, account: UpstreamAccount
) -> None:
    Tenant.objects.filter(pk=owner.tenant.pk).update(only_own_account=True)
    UpstreamAccount.objects.filter(pk=account.pk).update(owner=owner.tenant)
    Price.objects.create(model=MODEL, on_own_account=True, per_second=Decimal("0.05"))
    page = Member(owner.tenant, Role.VIEWER).see("portal:prices")
    assert "3.0 own account 720p free 3.0 own account 1080p 0.05" in page


def test_staff_see_the_prices_of_each_list(account: UpstreamAccount) -> None:
    sophie, vip = Person("sophie"), PriceList.objects.create(name="VIP")
    Price.objects.create(price_list=vip, model=MODEL, per_second=Decimal("0.5"))
    Price.objects.create(model=MODEL, on_own_account=True, per_second=Decimal("0.05"))
    default, of_list = (_plain(words(sophie.get(f"{TABLE}{query}"))) for query in ("", f"?list={vip.pk}"))
    assert f"{HEADINGS} with audio + with reference with reference + off-peak own account" in default
    assert "3.0 1080p 0.80 1.20 - - - - 0.05" in default
    assert "3.0 1080p 0.50 1.20 - - - - 0.05" in of_list
    assert f'href="{TABLE}"' in sophie.see("/admin/videos/price/")
    assert sophie.get(f"{TABLE}?list=x").status_code == 404
    assert Person("ted", "view_task").get(TABLE).status_code == 403


def test_on_a_phone_each_model_is_a_card_of_the_prices_it_has(
    owner: Caller, account: UpstreamAccount
) -> None:
    page = Member(owner.tenant, Role.VIEWER).get("portal:prices").content.decode()
    assert '<table class="table prices cards-on-phone">' in page
    [row] = re.findall(
        r'<tr><th scope="row">1.6</th><td class="resolution">720p</td>(.*?)</tr>', page, re.DOTALL
    )
    cells = re.findall(r'<td class="number( empty)?" data-label="([^"]+)">', row)
    assert [heading for is_empty, heading in cells if not is_empty] == ["Base price"]
    assert [heading for _, heading in cells][1:4] == ["with audio", "with reference", "off-peak"]


def test_without_prices_the_table_says_so(owner: Caller, account: UpstreamAccount) -> None:
    Price.objects.all().delete()
    assert "There are no prices." in Member(owner.tenant, Role.VIEWER).see("portal:prices")
