"""Runs the attacks of `tests/attacks` against this module's own server, those that only wait in parallel."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from operator import attrgetter

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import APIKey, Tenant
from config.ids import uuid7
from tests.attacks import ATTACKS, crowd, proportion, wire
from tests.attacks.attack import Attack, Bars, Outcome, Target, Verdict
from tests.attacks.bystander import Bystander
from tests.conftest import GOOD_BODY, Caller, make_caller, order_video
from tests.support.emptying import empty_tables
from tests.support.fork_server import ForkServer
from tests.support.rows import check_each
from tests.support.web_process import WebProcess
from videos.models import Task, UpstreamAccount

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db,  # which creates the database and keeps this module among those that need it
]

THREADS = 4


def _parsing_seconds() -> float:
    """CPU seconds that parsing a body of 1 MiB takes on this machine at the least: the raw limit."""
    body = json.dumps([0] * 520_000)
    costs = []
    for _ in range(3):
        began = time.process_time()
        json.loads(body)
        costs.append(time.process_time() - began)
    return min(costs)


BARS = Bars(latency=10.0, cpu=max(0.1, 5 * _parsing_seconds()), load_seconds=4.0)
"""Looser than on the command line, which has the machine to itself: here only standstills fail."""
TASKS = 100
LONGEST_PROMPT = "猫" * 2000
WITHIN, ELSEWHERE = "203.0.113.0/24", "198.51.100.0/24"
"""Networks of the keys."""
FORWARDED = b"\xe9, 203.0.113.7"
"""X-Forwarded-For as our proxy sends it for a client that sent an invalid byte itself."""
BUSY_SECONDS = 1.0


@dataclass(frozen=True)
class Edge:
    """The attacked server, one behind a proxy, and their keys."""

    target: Target
    behind_proxy: Target
    long_winded: str
    """The key of a tenant with the longest prompts."""
    from_within: str
    from_elsewhere: str
    """Keys limited to networks."""


@pytest.fixture(scope="module")
def edge(
    fork_server: ForkServer, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Edge]:
    """The servers; their tenants are kept between tests."""
    logs = tmp_path_factory.mktemp("attacked")
    attacked, behind_proxy = processes = [
        WebProcess(fork_server, logs / "edge.log", API_THREADS=str(THREADS)),
        WebProcess(fork_server, logs / "behind-proxy.log", API_THREADS="1", TRUSTED_PROXIES="1"),
    ]
    try:
        with django_db_blocker.unblock():
            keys = _keys()
        for process in processes:
            process.wait()
        target = Target.at(attacked.url, key=keys.pop("alice"), other_key=keys.pop("charlie"), bars=BARS)
        yield Edge(replace(target, pid=attacked.pid), Target.at(behind_proxy.url), **keys)
    finally:
        for process in processes:
            process.kill()
            print(f"--- {process.url}\n{process.log()}")  # noqa: T201
        with django_db_blocker.unblock():
            empty_tables()


def _keys() -> dict[str, str]:
    UpstreamAccount.objects.create(
        name="somewhere", endpoint="http://127.0.0.1:9", secret_id="AKIDtest", secret_key="a secret key"
    )
    alice, charlie, carol = (
        make_caller(Tenant.objects.create(name=name)) for name in ("Alice", "Charlie", "Carol")
    )
    _make_tasks(alice, "a cat runs " * 10)
    _make_tasks(carol, LONGEST_PROMPT)
    return {
        "alice": alice.text or "",
        "charlie": charlie.text or "",
        "long_winded": carol.text or "",
        "from_within": _bound(charlie, WITHIN),
        "from_elsewhere": _bound(charlie, ELSEWHERE),
    }


def _make_tasks(caller: Caller, prompt: str) -> None:
    """A task created by the API and copies of it."""
    task = order_video(caller, {**GOOD_BODY, "prompt": prompt})
    copies = []
    for _ in range(TASKS - 1):
        copy = Task.objects.get(pk=task.pk)
        copy.pk = uuid7(timezone.now())
        copies.append(copy)
    Task.objects.bulk_create(copies)


def _bound(caller: Caller, network: str) -> str:
    caller_key, text = APIKey.objects.mint(caller.tenant, network, ())
    caller_key.allowed_networks = [network]
    caller_key.save(update_fields=["allowed_networks"])
    return text


def test_the_server_withstands_each_attack(edge: Edge) -> None:
    verdicts = _done(edge.target, ATTACKS)

    def holds(attack: Attack) -> None:
        verdict = verdicts[attack.name]
        assert verdict.outcome is Outcome.HELD, f"{attack.fault} {verdict.measured}"

    check_each(ATTACKS, holds, name=attrgetter("name"))


def _done(target: Target, attacks: Sequence[Attack]) -> dict[str, Verdict]:
    waiting = [each for each in attacks if each.waits]
    with ThreadPoolExecutor(max(1, len(waiting))) as pool:
        begun = {each.name: pool.submit(each.run, target) for each in waiting}
        found = {each.name: _after_recovery(target, each) for each in attacks if not each.waits}
        return found | {name: outcome.result() for name, outcome in begun.items()}


def _after_recovery(target: Target, attack: Attack) -> Verdict:
    wire.recover(target)
    return attack.run(target)


@pytest.mark.parametrize("name", ["list-of-tasks", "list-of-tasks-oldest-first"])
def test_a_list_of_the_longest_prompts_has_a_bounded_cost(name: str, edge: Edge) -> None:
    wire.recover(edge.target)
    [attack] = [each for each in proportion.PROPORTIONS if each.name == f"proportion-{name}"]
    verdict = attack.run(replace(edge.target, key=edge.long_winded))
    assert verdict.outcome is Outcome.HELD, verdict.measured


def test_health_is_answered_while_the_database_blocks_all_threads(edge: Edge) -> None:
    wire.recover(edge.target)
    request = wire.head(edge.target, "GET", "/v1/models", wire.bearer(edge.target.key))
    readers = (crowd.repeat_request(edge.target, wire.ME, request) for _ in range(4 * THREADS))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {APIKey._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        with Bystander(edge.target, path="/healthz") as other:
            crowd.run_together(BUSY_SECONDS, *readers)
    assert other.seen.faults(BARS.latency) == []


@pytest.mark.parametrize("value", [FORWARDED, b"\xff" * 100 + FORWARDED, b"203.0.113.7"])
def test_the_caller_is_known_whatever_bytes_precede_the_address(value: bytes, edge: Edge) -> None:
    fields = [("X-Forwarded-For", value)]
    within = wire.get(replace(edge.behind_proxy, key=edge.from_within), "/v1/models", fields)
    elsewhere = wire.get(replace(edge.behind_proxy, key=edge.from_elsewhere), "/v1/models", fields)
    assert within
    assert elsewhere
    assert (within.status, elsewhere.status, elsewhere.code) == (200, 403, "permission_denied")


def test_the_caller_is_the_address_our_proxy_saw(edge: Edge) -> None:
    lines = [("X-Forwarded-For", b"198.51.100.1"), ("X-Forwarded-For", FORWARDED)]
    answer = wire.get(replace(edge.behind_proxy, key=edge.from_within), "/v1/models", lines)
    assert answer
    assert answer.status == 200


@pytest.mark.parametrize("url", ["http://192.0.2.1:8000", "https://127.0.0.1", "http://example.com", "here"])
def test_only_this_machine_can_be_attacked(url: str) -> None:
    with pytest.raises(ValueError, match="nothing was sent"):
        Target.at(url)


def test_an_attack_without_its_options_is_not_tried() -> None:
    target = Target.at("http://localhost:1")
    outcomes = {each.run(target).outcome for each in ATTACKS if each.needs}
    assert outcomes == {Outcome.NOT_TRIED}


def test_each_attack_has_its_own_name_and_describes_its_fault() -> None:
    assert all(each.fault for each in ATTACKS)
    assert len({each.name for each in ATTACKS}) == len(ATTACKS)
