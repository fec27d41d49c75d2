"""How soon are finished videos seen with thousands of open tasks on many accounts, and what does it cost?

    python -m tests.bench.polling [--only many endless hanging] [--tasks 2000] [--accounts 10] [--mean 120]

Two workers and a sandbox; half of the accounts are of each product. Prints the time from upstream's end of a
task to `completed`, the queries of each account and the most in any second, the CPU time of the workers, and
beside them what an oracle would need that asks once, at the right moment: one query a task.
"""

import argparse
import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

import psutil

from tests.bench import stage
from tests.bench.stage import Sandbox, make_accounts, order, percentile, report, wait_until
from videos.local.processes import Child, ProcessGroup

WORKERS = 2
QUERIES = ("DescribeAigcVideoTask", "DescribeTaskDetail")
MANY = ("--vod-concurrency", "1000000", "--seed", "1")
ENDLESS, QUICK = 3000, 10
"""Tasks that never end, and quick ones beside them."""
AT = (30, 100, 160)
"""Seconds after the last endless task was taken, when quick ones are ordered."""
BARE_CALLS, BARE_PAUSE = 200, 0.03
"""Calls, and the seconds between them: the rate limit of an account takes no more."""
Options = argparse.Namespace


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--accounts", type=int, default=10)
    parser.add_argument("--mean", type=float, default=120)
    parser.add_argument("--sigma", type=float, default=20)
    options = parser.parse_args()
    for name in options.only:
        with stage.empty_gateway() as family:
            SCENES[name](family, options)


def many(family: ProcessGroup, options: Options) -> None:
    """As many open tasks as asked for, whose ends are spread normally."""
    sandbox = start(family, options)
    [caller] = stage.make_callers(1)
    order(caller, options.tasks)
    load = Load(stage.start_workers(family, WORKERS))
    wait_until(lambda: finished() == options.tasks, 1800)
    used, queries = load.cpu_seconds(), report_queries("many", sandbox, options.tasks)
    report(f"many: {load}")
    report_waits("many: seen", waits(sandbox, moment="done_at"))
    report_waits("many", waits(sandbox))
    bare = bare_call_seconds(sandbox)
    report(
        f"many: {used / queries * 1000:.1f} ms of CPU a query, all work on the tasks included;"
        f" {used / queries / bare:.1f} times a bare call of the client, {bare * 1000:.1f} ms"
    )


def endless(family: ProcessGroup, options: Options) -> None:
    """A few quick tasks beside thousands that never end, several times as those grow old."""
    sandbox = start(family, options)
    crowd, *callers = stage.make_callers(1 + len(AT))
    order(crowd, ENDLESS, "[sandbox: never_end]")
    load = Load(stage.start_workers(family, WORKERS))
    wait_until(lambda: accepted(sandbox) == ENDLESS)
    began = time.monotonic()
    for place, (seconds, caller) in enumerate(zip(AT, callers, strict=True), start=1):
        time.sleep(max(0, began + seconds - time.monotonic()))
        order(caller, QUICK, "[sandbox: generation_seconds 5]")
        wait_until(lambda done=QUICK * place: finished() == done)  # type: ignore[misc]  # bound at once
    report(f"endless: {load}")
    for seconds, caller in zip(AT, callers, strict=True):  # not sooner: the sandbox stands still meanwhile
        late = waits(sandbox, caller.tenant.name)
        report(f"endless: quick ones {seconds} s later seen after {max(late):.1f} s at most; bar 20 s")
    report_queries("endless", sandbox, len(AT) * QUICK)


def hanging(family: ProcessGroup, options: Options) -> None:
    """All accounts work, and then one of them hangs while it has its share of the tasks."""
    sandbox = start(family, options)
    hung = f"AKIDmps{0}"
    [before, during] = stage.make_callers(2)
    stage.start_workers(family, WORKERS)
    order(before, options.tasks // 2)
    wait_until(lambda: finished() == options.tasks // 2, 1800)
    order(during, options.tasks // 2)
    wait_until(lambda: accepted(sandbox) == options.tasks // 2 * 2)
    time.sleep(options.mean / 4)
    scripts = [
        {"action": action, "do": "hang", "secret_id": hung, "times": None} for action in (QUERIES[0], CREATE)
    ]
    sandbox.control("scripts", scripts)
    wait_until(lambda: not open_elsewhere(hung), 1800)
    alone, beside = waits(sandbox, before.tenant.name), waits(sandbox, during.tenant.name)
    report_waits("hanging: all work", alone)
    report_waits("hanging: one hangs, the others", beside)
    moved = percentile(beside, 99) - percentile(alone, 99)
    report(f"hanging: the p99 of the others moves by {moved:+.2f} s; bar 2 s")


CREATE = "CreateAigcVideoTask"
SCENES: dict[str, Callable[[ProcessGroup, Options], None]] = {
    scene.__name__: scene for scene in (many, endless, hanging)
}


def start(family: ProcessGroup, options: Options) -> Sandbox:
    """A sandbox and the accounts, half of each product."""
    times = ["--generation-seconds", str(options.mean), "--generation-sigma", str(options.sigma)]
    sandbox = stage.start_sandbox(family, *times, *MANY)
    of_vod = options.accounts // 2
    make_accounts(sandbox, options.accounts - of_vod)
    make_accounts(sandbox, of_vod, "vod")
    return sandbox


class Load:
    """The CPU time of processes since now, as a share of one core."""

    def __init__(self, children: list[Child]) -> None:
        self._processes = [psutil.Process(child.process.pid) for child in children]
        self._began, self._before = time.monotonic(), [_cpu(process) for process in self._processes]

    def cpu_seconds(self) -> float:
        """Of all processes together."""
        return sum(self._used())

    def _used(self) -> list[float]:
        return [_cpu(each) - before for each, before in zip(self._processes, self._before, strict=True)]

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        used = self._used()
        shares = ", ".join(f"{each / seconds:.0%}" for each in used)
        return f"{seconds:.0f} s, CPU of each worker {shares} of a core, in all {sum(used) / seconds:.0%}"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def bare_call_seconds(sandbox: Sandbox) -> float:
    """The CPU seconds of one call of the client for a task, with nothing around it."""
    from videos.models import Task, UpstreamAccount
    from videos.routing.clients import connection_of, new_client

    found = UpstreamAccount.objects.filter(product="mps")[0]
    task_id = str(Task.objects.filter(account=found)[0].upstream_task_id)

    async def ask() -> float:
        client = new_client(connection_of(found))
        await client.describe(task_id)  # connects
        began = time.process_time()
        for _ in range(BARE_CALLS):
            await client.describe(task_id)
            await asyncio.sleep(BARE_PAUSE)
        used = time.process_time() - began
        await client.aclose()
        return used / BARE_CALLS

    return asyncio.run(ask())


def accepted(sandbox: Sandbox) -> int:
    return int(sandbox.state("arrivals=0&tasks=0")["creates"]["accepted"])


def finished() -> int:
    from videos.models import Task
    from videos.states import FINAL

    return Task.objects.filter(status__in=list(FINAL)).count()


def open_elsewhere(secret_id: str) -> bool:
    """Whether tasks of other accounts are not finished."""
    from videos.models import Task
    from videos.states import ACTIVE

    return Task.objects.filter(status__in=list(ACTIVE)).exclude(account__secret_id=secret_id).exists()


def waits(sandbox: Sandbox, tenant: str | None = None, moment: str = "finished_at") -> list[float]:
    """Seconds from upstream's end until that moment of a task, of one tenant or of any."""
    from videos.models import Task

    ended = {task["task_id"]: task["done_at"] for task in sandbox.state()["tasks"]}
    tasks = Task.objects.filter(status="succeeded", **({"tenant__name": tenant} if tenant else {}))
    return [
        at.timestamp() - ended[upstream_task_id]
        for at, upstream_task_id in tasks.values_list(moment, "upstream_task_id")
        if at
    ]


def report_waits(name: str, seconds: list[float]) -> None:
    figures = ", ".join(
        f"{what} {percentile(seconds, percent):.2f}"
        for what, percent in (("p50", 50), ("p90", 90), ("p99", 99), ("max", 100))
    )
    report(f"{name}: {len(seconds)} tasks, end to visible in seconds: {figures}; bars p50 3, p99 20")


def report_queries(name: str, sandbox: Sandbox, tasks: int) -> int:
    """The queries beside the budgets, and beside those of an oracle; returns how many there were."""
    state = sandbox.state("tasks=0")
    moments: defaultdict[str, list[float]] = defaultdict(list)
    for moment, action, _, secret_id in state["arrivals"]:
        if action in QUERIES:
            moments[secret_id].append(moment)
    total = sum(map(len, moments.values()))
    report(f"{name}: {total} queries, {total / tasks:.1f} times what an oracle needs")
    for secret_id, times in sorted(moments.items()):
        report(f"{name}: {secret_id} {len(times)} queries, at most {busiest_second(times)} in a second")
    refused: Any = {name: count for name, count in refusals(state).items() if count}
    report(f"{name}: refused for limits {state['refused_for_limits']} {refused}; bar 0")
    return total


def refusals(state: dict[str, Any]) -> Counter[str]:
    return Counter({name: figures["refused_for_limits"] for name, figures in state["accounts"].items()})


def busiest_second(moments: Iterable[float]) -> int:
    """The most calls in any sliding second."""
    most, window = 0, deque[float]()
    for moment in sorted(moments):
        window.append(moment)
        while moment - window[0] >= 1:
            window.popleft()
        most = max(most, len(window))
    return most


if __name__ == "__main__":
    main()
