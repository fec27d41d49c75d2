"""Nothing is lost and nothing paid for twice, whatever breaks between two workers, the database and upstream.

Each schedule runs a few tasks through the real jobs, with the real clients, in one thread whose time jumps.
At each database call and each call to upstream a fault may strike: the worker is killed or stopped before or
after it, the answer is lost, late or nonsense, the account refuses, the database is away. Then the faults
end, and everything must come to rest in order.

A schedule is made from its number alone; FAULT_SCHEDULES is how many there are, and a failed one can be
repeated with `pytest -k "[17]"`. Its output lists the faults that struck.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.models import Min
from django.utils import timezone

from accounts.models import Tenant
from tests.conftest import GOOD_BODY, NOW, Caller, make_caller, order_video
from tests.support.jumping_loop import JumpingLoop
from tests.support.provider import Provider, answered
from tests.support.sandbox import APPLICATION
from tests.support.worker_process import closings, learn_quick_generations
from videos.billing import reconciliation
from videos.models import AccountState, Task, UpstreamAccount
from videos.products import Product
from videos.queueing import Job
from videos.routing import clients, health
from videos.sandbox.protocol import ApiError, failure
from videos.sandbox.tasks import GenerationTimes
from videos.states import ACTIVE, Attention, Status
from videos.worker import jobs, sweep, threads

SCHEDULES = int(os.environ.get("FAULT_SCHEDULES", "50"))
ENDPOINT = "http://upstream.example"
WORKERS = 2
SWEEP_EVERY = 10.0
"""Seconds, like all numbers here."""
LAST_SECONDS = 5.0
"""From the signal to stop until the process ends."""
FOREVER = 1e6
MOST_STEPS = 600
"""Ticks in which everything must come to rest."""
FLEETS: tuple[tuple[Product, ...], ...] = (
    (Product.MPS,),
    (Product.VOD,),
    (Product.MPS, Product.MPS, Product.MPS),
    (Product.VOD, Product.VOD),
    (Product.MPS, Product.VOD),
    (Product.MPS, Product.MPS, Product.VOD, Product.VOD),
)
"""The products of the accounts of a schedule."""
SCRIPTS: dict[str, Status] = {
    "": Status.SUCCEEDED,
    "[sandbox: generation_seconds 40]": Status.SUCCEEDED,
    "[sandbox: done_without_url 2]": Status.SUCCEEDED,
    "[sandbox: fail]": Status.FAILED,
    "[sandbox: refuse code=InvalidParameterValue]": Status.FAILED,
}
"""What may be in a prompt, and how such a task ends; most have nothing."""


Step = Callable[..., Coroutine[Any, Any, Any]]


# Workers


class Over(Exception):
    """The schedule is over; what is still under way ends without a trace."""


class Worker:
    """A worker process; its steps only begin and pause at database calls and calls to upstream."""

    def __init__(self) -> None:
        self.is_dead = self.is_stopping = False
        self.steps: set[asyncio.Task[Any]] = set()
        self._frozen: list[asyncio.Future[None]] = []

    def start(self, step: Step, *arguments: Any, **named: Any) -> None:
        started = asyncio.create_task(self._run(partial(step, *arguments, **named)))
        self.steps.add(started)
        started.add_done_callback(self.steps.discard)

    def kill(self) -> None:
        """From now on none of its steps moves; what it knew is gone."""
        self.is_dead = True
        health.forget()
        for running in (jobs._polls, jobs._submits):
            running.clear()

    def stop(self) -> None:
        """Its grace period is over: its steps are cancelled, and a moment later the process ends."""
        self.is_stopping = True
        for step in self.steps:
            step.cancel()
        asyncio.get_running_loop().call_later(LAST_SECONDS, self.kill)

    async def lives(self) -> None:
        """Never return if it is dead."""
        if self.is_dead:
            self._frozen.append(asyncio.get_running_loop().create_future())
            await self._frozen[-1]

    async def _run(self, step: Step) -> None:
        _worker.set(self)
        with suppress(OperationalError):  # the job fails, and the next tick finds its work again
            await step()


_worker: ContextVar[Worker] = ContextVar("worker")


# Faults


Work = Callable[[], Any]
Trouble = Callable[["World"], Awaitable[None]]
Fault = Callable[["World", Work], Awaitable[Any]]
"""Does the work, or not, and returns its result, or something else."""


async def kill(world: "World") -> None:
    _worker.get().kill()
    await _worker.get().lives()


async def stop(world: "World") -> None:
    _worker.get().stop()
    await asyncio.sleep(FOREVER)


async def hang(world: "World") -> None:
    await asyncio.sleep(FOREVER)


async def pause(world: "World") -> None:
    await asyncio.sleep(world.random.uniform(0.5, 25))


async def be_away(world: "World") -> None:
    raise OperationalError("the connection is lost")


async def be_away_for_a_while(world: "World") -> None:
    world.begin("outage", 1, 30)
    raise OperationalError("the database is away")


async def connect_in_vain(world: "World") -> None:
    raise httpx.ConnectError("nobody listens")


async def drop(world: "World") -> None:
    raise httpx.RemoteProtocolError("the connection was closed")


async def time_out(world: "World") -> None:
    await asyncio.sleep(30)
    raise httpx.ReadTimeout("no bytes")


def before(trouble: Trouble) -> Fault:
    """The trouble comes before the work; if it passes, the work is done."""

    async def strike(world: "World", work: Work) -> Any:
        await trouble(world)
        return work()

    return strike


def after(trouble: Trouble) -> Fault:
    """The work is done, and then the trouble comes."""

    async def strike(world: "World", work: Work) -> Any:
        done = work()
        await trouble(world)
        return done

    return strike


def instead(answer: Callable[[], httpx.Response]) -> Fault:
    """Upstream does not act, and answers so."""

    async def strike(world: "World", work: Work) -> httpx.Response:
        return answer()

    return strike


def spoilt(answer: Callable[[], httpx.Response]) -> Fault:
    """Upstream acts, and answers so all the same."""

    async def strike(world: "World", work: Work) -> httpx.Response:
        work()
        return answer()

    return strike


def during(name: str, least: float, most: float) -> Fault:
    """Something about the provider is wrong for a while, from this call on."""

    async def strike(world: "World", work: Work) -> Any:
        world.begin(name, least, most)
        return work()

    return strike


def error(code: str) -> Callable[[], httpx.Response]:
    return lambda: answered(failure(ApiError(code, "By a schedule.")))


def page(status: int) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, text="<html>Bad gateway</html>")


EVERYWHERE: dict[str, Fault] = {
    "killed before": before(kill),
    "killed after": after(kill),
    "stopped before": before(stop),
    "stopped after": after(stop),
}
DATABASE: dict[str, Fault] = EVERYWHERE | {
    "away before": before(be_away),
    "away after": after(be_away),
    "away for a while": before(be_away_for_a_while),
    "away for a while after": after(be_away_for_a_while),
}
DOWNLOAD: dict[str, Fault] = EVERYWHERE | {
    "not reached": before(connect_in_vain),
    "dropped": before(drop),
    "silent": before(time_out),
    "late": before(pause),
    "500": instead(page(500)),
    "garbage": instead(page(200)),
}
UPSTREAM: dict[str, Fault] = EVERYWHERE | {
    "not reached": before(connect_in_vain),
    "dropped before": before(drop),
    "dropped after": after(drop),
    "hangs before": before(hang),
    "hangs after": after(hang),
    "late": before(pause),
    "late answer": after(pause),
    "500 before": instead(page(500)),
    "500 after": spoilt(page(500)),
    "garbage": spoilt(page(200)),
    "throttled": instead(error("RequestLimitExceeded")),
    "broken inside": instead(error("InternalError")),
    "broken inside after": spoilt(error("InternalError")),
    "refuses the account": instead(error("FailedOperation.UserArrears")),
    "forbids": instead(error("UnauthorizedOperation")),
    "clocks differ": during("skew", 1, 40),
    "wrong secret": during("wrong secret", 1, 40),
    "list behind": during("list behind", 1, 60),
}


# The world of one schedule


class World:
    """Everything that a schedule consists of. Chance decides; `random` is the only source of it."""

    def __init__(self, number: int, folder: Path) -> None:
        self.random = random.Random(number)  # noqa: S311 - chance, not secrecy
        self.log: list[str] = []
        self._database_chance = self.random.choice([0.02, 0.05, 0.1])
        self._upstream_chance = self.random.choice([0.1, 0.3, 0.6])
        # Each schedule has its own few kinds of faults, or one kind would always hide another.
        self._database = self._some(DATABASE, self.random.choice([0, 1, 2, 5]))
        self._download = self._some(DOWNLOAD, self.random.choice([0, 0, 2]))
        self._upstream = self._some(UPSTREAM, self.random.choice([1, 2, 3, 8]))
        self._quiet_at = self.random.uniform(2, 40)
        self._until: dict[str, float] = {}
        self._is_over = False
        self.loop = JumpingLoop()
        self._fleet = self.random.choice(FLEETS)
        self._keys = {f"AKID{place}": f"secret {place}" for place in range(len(self._fleet))}
        times = GenerationTimes(2, 1, number)
        self.provider = FaultyProvider(self, self._keys, times, self.clock, folder)
        self._connection = connections[DEFAULT_DB_ALIAS]
        self._workers: list[Worker] = []
        self._dead: list[Worker] = []
        """Kept, as their steps would be closed with them, which a killed process does not do."""
        self.ends: dict[str, Status] = {}

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self._seconds())

    def begin(self, name: str, least: float, most: float) -> None:
        self._until[name] = self._seconds() + self.random.uniform(least, most)

    def is_during(self, name: str) -> bool:
        return self._seconds() < self._until.get(name, 0)

    async def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What happens to a call of the database; this takes the place of the database threads."""
        await self._may_go_on()
        if self.is_during("outage"):
            raise OperationalError("the database is away")
        work = partial(function, *arguments, **named)
        return await self._struck("database", self._database_chance, self._database, work)

    async def upstream(self, name: str, work: Work) -> Any:
        """What happens to a request to upstream."""
        await self._may_go_on()
        self.provider.lists_nothing = self.is_during("list behind")
        self.provider.skew = 600 if self.is_during("skew") else 0
        wrong = dict.fromkeys(self._keys, "another") if self.is_during("wrong secret") else {}
        self.provider.upstream.accounts.keys = {**self._keys, **wrong}
        return await self._struck(name, self._upstream_chance, self._upstream, work)

    async def download(self, work: Work) -> Any:
        """What happens to a request for a result."""
        await self._may_go_on()
        return await self._struck("download", self._upstream_chance, self._download, work)

    def make_accounts(self) -> None:
        for place, product in enumerate(self._fleet):
            UpstreamAccount.objects.create(
                name=f"account {place}",
                product=product,
                endpoint=ENDPOINT,
                secret_id=f"AKID{place}",
                secret_key=f"secret {place}",
                sub_app_id=APPLICATION if product is Product.VOD else None,
                weight=self.random.choice([1, 1, 3]),
                most_open_tasks=self.random.choice([1, None]) if product is Product.VOD else None,
                # Slots are counted by the real clock, which stands still here.
                creates_per_second=10_000,
                describes_per_second=10_000,
            )

    def order(self, caller: Caller, script: str = "") -> Task:
        prompt = f"clip {len(self.ends)} {script}".strip()
        self.ends[prompt] = SCRIPTS[script]
        return order_video(caller, {**GOOD_BODY, "prompt": prompt}, self.clock())

    def order_some(self, caller: Caller) -> None:
        weights = [12, *[1] * (len(SCRIPTS) - 1)]
        for script in self.random.choices(list(SCRIPTS), weights, k=self.random.randint(2, 7)):
            self.order(caller, script)

    async def come_to_its_end(self, caller: Caller) -> None:
        """Let workers tick until everything is at rest; with faults at first, and then without."""
        clients.transport.set(self.provider)
        connections[DEFAULT_DB_ALIAS] = self._connection  # which Django has for each context apart
        try:
            self.order_some(caller)
            await self._come_to_rest()
            assert self._seconds() >= self._quiet_at
            self.order(caller)
            await self._come_to_rest()
        finally:
            await self._end()

    async def _come_to_rest(self) -> None:
        for _ in range(MOST_STEPS):
            self._tick()
            await asyncio.sleep(self._pause())
            if self._is_quiet() and not open_tasks() and not any(worker.steps for worker in self._workers):
                return
        pytest.fail(f"not at rest: {[(told(task), task.due_at) for task in open_tasks()]}")

    def _tick(self) -> None:
        """What Procrastinate would do in a moment: the tick, now and then the sweep, and all jobs."""
        self._replace_dead_workers()
        self._anyone().start(jobs.tick, 0)
        if int(self._seconds() / SWEEP_EVERY) != int((self._seconds() - self._pause()) / SWEEP_EVERY):
            self._anyone().start(threads.in_database, sweep.sweep, self.clock())
        for name, arguments in waiting_jobs():
            self._anyone().start(JOBS[name], **arguments)

    def _some(self, faults: dict[str, Fault], count: int) -> dict[str, Fault]:
        return {name: faults[name] for name in self.random.sample(list(faults), count)}

    def _replace_dead_workers(self) -> None:
        gone = [worker for worker in self._workers if worker.is_dead or worker.is_stopping]
        self._workers = [worker for worker in self._workers if worker not in gone]
        self._dead += gone
        while len(self._workers) < WORKERS:
            self._workers.append(Worker())

    def _anyone(self) -> Worker:
        return self.random.choice(self._workers)

    def _pause(self) -> float:
        """A second as long as faults may strike; then until something is due."""
        if not self._is_quiet():
            return 1.0
        if any(worker.steps for worker in self._workers):
            return 5.0
        tasks = Task.objects.filter(pk__in=[task.pk for task in open_tasks()]).aggregate(at=Min("due_at"))
        out = AccountState.objects.exclude(retry_at=None).aggregate(at=Min("retry_at"))
        dues = [found["at"] for found in (tasks, out) if found["at"]]
        return max(1.0, (min(dues) - self.clock()).total_seconds()) if dues else 1.0

    def _is_quiet(self) -> bool:
        return self._seconds() >= max(self._quiet_at, *self._until.values(), 0.0)

    async def _struck(self, point: str, chance: float, faults: dict[str, Fault], work: Work) -> Any:
        if not faults or self._seconds() >= self._quiet_at or self.random.random() >= chance:
            return work()
        name = self.random.choice(list(faults))
        self.log.append(f"{self._seconds():7.2f}  {point}: {name}")
        return await faults[name](self, work)

    async def _may_go_on(self) -> None:
        if self._is_over:
            raise Over
        await _worker.get().lives()

    async def _end(self) -> None:
        self._is_over = True
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _seconds(self) -> float:
        return self.loop.time()


class FaultyProvider(Provider):
    """The provider, with the faults of a schedule."""

    def __init__(self, world: World, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        work = partial(self.respond, request)
        action = request.headers.get("x-tc-action")
        answer: httpx.Response = await (
            self._world.upstream(action, work) if action else self._world.download(work)
        )
        return answer


JOBS: dict[str, Step] = {
    Job.SUBMIT: jobs.submit,
    Job.POLL: jobs.poll,
    Job.SETTLE: jobs.settle,
    Job.CHECK: jobs.check,
    Job.STORE: jobs.store,
}


def waiting_jobs() -> list[tuple[str, dict[str, Any]]]:
    """Take all jobs out of the queue, the oldest first; a worker that dies with one loses it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs RETURNING id, task_name, args::text")
        rows = sorted(cursor.fetchall())
    return [(name, json.loads(arguments)) for _, name, arguments in rows if name in JOBS]


def open_tasks() -> list[Task]:
    """The tasks that must go on. Whether MPS has a task in doubt nobody can tell."""
    tasks = Task.objects.filter(status__in=list(ACTIVE)).select_related("account")
    return [task for task in tasks if not is_hopeless(task)]


def is_hopeless(task: Task) -> bool:
    return task.state is Status.IN_DOUBT and task.account is not None and task.account.product == Product.MPS


def told(task: Task) -> str:
    return f"{task.request['prompt']}: {task.status} of {[event.verb for event in task.events.all()]}"


# The test


@pytest.fixture
def _in_one_thread(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the jobs use the test's own transaction from the event loop."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    learn_quick_generations()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.mark.usefixtures("_in_one_thread")
@pytest.mark.parametrize("number", range(SCHEDULES))
def test_nothing_is_lost_or_paid_for_twice(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(number, tmp_path)
    monkeypatch.setattr(timezone, "now", world.clock)
    monkeypatch.setattr(threads, "_threads", world)
    world.make_accounts()
    caller = make_caller(Tenant.objects.create(name="Alice"))
    with asyncio.Runner(loop_factory=lambda: world.loop) as runner:
        try:
            runner.run(world.come_to_its_end(caller))
        finally:
            print("\n".join(world.log))  # noqa: T201 - shown if it fails
    assert_in_order(world)


def assert_in_order(world: World) -> None:
    runs = Counter(run.prompt for run in world.provider.runs())
    for task in Task.objects.select_related("account"):
        prompt = str(task.request["prompt"])
        assert runs[prompt] <= 1, f"paid for twice: {told(task)}"
        if is_hopeless(task):
            assert task.attention == Attention.IN_DOUBT, f"in doubt, and nobody sees it: {told(task)}"
        else:
            assert task.state is world.ends[prompt], f"should be {world.ends[prompt]}: {told(task)}"
            assert closings(task) == 1, told(task)
        if task.state is Status.SUCCEEDED:
            assert runs[prompt] == 1, f"a video of nothing: {told(task)}"
    assert reconciliation.differences() == []
