"""The pages say beforehand, and to staff with the reason, that nobody makes videos of a model."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from django.conf import LazySettings
from django.utils import timezone

from accounts.models import Tenant
from tests.conftest import Caller
from tests.support.console import Person
from tests.support.members import Member
from tests.support.rows import check_each, rolled_back
from videos.models import AccountState, UpstreamAccount

ADD = "/admin/videos/task/add/"
MODEL, OTHER, SIBLING = "Kling-3.0-720p", "GV-3.1-720p", "GV-3.1-1080p"
REFUSED = "This model is unavailable right now"
WAITS = "Videos of this model start with a short delay"
NO_ACCOUNT, NO_MODEL = "No account takes tasks.", "No account takes tasks of this model:"


def disable(account: UpstreamAccount) -> None:
    UpstreamAccount.objects.filter(pk=account.pk).update(is_enabled=False)


def becomes(condition: str, reason: str = "") -> Callable[[UpstreamAccount], None]:
    def change(account: UpstreamAccount) -> None:
        soon = timezone.now() + timedelta(hours=1)
        state = AccountState.objects.filter(account=account)
        state.update(condition=condition, reason=reason, retry_at=soon)

    return change


def keep_one_model_for_another(account: UpstreamAccount) -> None:
    """Another account takes all models but one."""
    other = UpstreamAccount(name="elsewhere", secret_id="x", secret_key="y", disabled_models=[MODEL])
    other.save()
    disable(account)


class Case(NamedTuple):
    """What happened to the only account, and what the pages then say."""

    happens: Callable[[UpstreamAccount], None]
    banner: str
    why: str
    notice: str


CASES = [
    Case(disable, NO_ACCOUNT, "It is disabled, so it gets no new tasks.", REFUSED),
    Case(becomes("open", "AuthFailure"), NO_ACCOUNT, "AuthFailure", REFUSED),
    Case(becomes("paused"), NO_ACCOUNT, "after a pause it takes tasks again", WAITS),
    Case(keep_one_model_for_another, NO_MODEL, "It is disabled", ""),
]


def text_of(page: str, id_: str) -> str:
    """The text of the note with the id, with single spaces; empty if it is not on the page."""
    found = re.search(rf'<div class="note [a-z]+" id="{id_}"[^>]*>(.*?)</div>', page, re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", found[1])).split()) if found else ""


def test_pages_say_that_nobody_makes_videos_and_why(owner: Caller, account: UpstreamAccount) -> None:
    boss, clerk, alice = Person("boss"), Person("clerk", "view_task"), Member(owner.tenant)
    link = f'id="gap-{account.pk}" href="/admin/videos/upstreamaccount/{account.pk}/change/"'
    assert text_of(boss.see("/admin/"), "gap") == text_of(boss.see(ADD), "untaken") == ""

    def holds(case: Case) -> None:
        case.happens(account)
        dashboard = boss.see("/admin/")
        banner = text_of(dashboard, "gap")
        assert banner.startswith(case.banner)
        assert account.name in banner
        assert case.why in banner
        assert link in dashboard
        assert "is out of service." not in dashboard.replace(banner, "")
        assert account.name not in text_of(clerk.see("/admin/"), "gap")
        for_staff = text_of(boss.see(ADD), "untaken")
        for_tenant = text_of(alice.get("portal:playground", model=MODEL).content.decode(), "untaken")
        assert for_staff.startswith(case.notice)
        assert for_tenant.startswith(case.notice)
        assert (account.name in for_staff) is bool(case.notice)
        assert account.name not in for_tenant

    check_each(CASES, rolled_back(holds), lambda case: case.happens.__name__)


def test_the_form_marks_the_models_concerned_and_speaks_of_the_chosen_one(
    owner: Caller, account: UpstreamAccount
) -> None:
    alice = Member(owner.tenant)
    UpstreamAccount.objects.create(name="elsewhere", secret_id="x", secret_key="y", disabled_models=[OTHER])
    becomes("open")(account)

    def shown(model: str) -> str:
        return str(alice.get("portal:playground", model=model).content.decode())

    assert text_of(shown(OTHER), "untaken").startswith(REFUSED)
    assert not text_of(shown(MODEL), "untaken")
    marked = r'<span id="pick-model-([^"]+)-name"><strong[^>]*>[^<]+</strong> <span class="chip warn">'
    assert re.findall(marked, shown(SIBLING)) == [OTHER]


def test_the_notice_is_about_the_accounts_that_serve_the_tenant(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    alice = Member(owner.tenant)
    Tenant.objects.filter(pk=owner.tenant.pk).update(only_own_account=True)
    own = UpstreamAccount.objects.create(name="own", secret_id="x", secret_key="y", owner=owner.tenant)
    becomes("open")(own)
    settings.WHEN_NO_UPSTREAM = "queue"
    page = alice.get("portal:playground", model=MODEL).content.decode()
    assert text_of(page, "untaken").startswith("This model is unavailable right now. Videos of it wait")
    assert text_of(Person("boss").see("/admin/"), "gap") == ""
