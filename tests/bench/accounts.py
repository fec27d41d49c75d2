"""Do many accounts share the work as they should, and what if one of them is refused?

    python -m tests.bench.accounts [--only drain weights turns refused alone]

Two workers and a sandbox. Prints the rate beside the sum of the budgets, the shares beside the weights, the
wait of a tenant with one task beside one with 500, the calls that reach an account after its key was changed,
and what became of the tasks.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.bench import stage
from tests.bench.stage import Sandbox, make_accounts, order, report, wait_until
from videos.local.processes import ProcessGroup

WORKERS = 2
QUICK = ("--generation-seconds", "2", "--vod-concurrency", "1000")
LONG = ("--generation-seconds", "3600")
Shares = Counter[str]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    for name in parser.parse_args().only:
        with stage.empty_gateway() as family:
            SCENES[name](family)


def drain(family: ProcessGroup) -> None:
    """Three accounts of equal weight, 600 tasks at once."""
    sandbox = stage.start_sandbox(family, *LONG)
    accounts = make_accounts(sandbox, 3)
    [caller] = stage.make_callers(1)
    order(caller, 600)
    stage.start_workers(family, WORKERS)
    wait_until(lambda: accepted(sandbox) == 600)
    times = sorted(task["created_at"] for task in sandbox.state()["tasks"])
    rate, budget = (
        (len(times) - 1) / (times[-1] - times[0]),
        sum(each.creates_per_second for each in accounts),
    )
    report(f"drain: {rate:.1f} creates a second of {budget:g}, {rate / budget:.1%}; bar 90 %")
    report(f"drain: shares {dict(shares(sandbox))}, refused for limits {refused_for_limits(sandbox)}; bar 0")


def weights(family: ProcessGroup) -> None:
    """Two accounts, of weight 3 and 1."""
    sandbox = stage.start_sandbox(family, *LONG)
    heavy, light = make_accounts(sandbox, 2)
    heavy.weight = 3
    heavy.save()
    [caller] = stage.make_callers(1)
    order(caller, 300)
    stage.start_workers(family, WORKERS)
    wait_until(lambda: accepted(sandbox) == 300)
    served = shares(sandbox)
    ratio = served[heavy.secret_id] / served[light.secret_id]
    report(f"weights 3:1: {dict(served)}, {ratio:.2f}; bar 2.7 to 3.3")
    report(f"weights 3:1: refused for limits {refused_for_limits(sandbox)}")


def turns(family: ProcessGroup) -> None:
    """One tenant has 500 queued tasks; five others order one each meanwhile."""
    sandbox = stage.start_sandbox(family, *LONG)
    make_accounts(sandbox, 3)
    first, many, *few = stage.make_callers(7)
    stage.start_workers(family, WORKERS)
    order(first, 1)
    wait_until(lambda: accepted(sandbox) == 1)
    order(many, 500)
    for caller in few:
        time.sleep(1.7)
        order(caller, 1)
    wait_until(lambda: accepted(sandbox) == 501 + len(few))
    waits = waits_of({caller.tenant.name for caller in few}, sandbox)
    report(f"beside 500 tasks: {', '.join(f'{wait:.2f}' for wait in waits)} s until the create; bar 2 s")


def refused(family: ProcessGroup) -> None:
    """One of two accounts refuses its key while 200 tasks wait."""
    sandbox = stage.start_sandbox(family, *QUICK)
    bad, good = make_accounts(sandbox, 2)
    [caller] = stage.make_callers(1)
    learn_quick_generations()
    stage.start_workers(family, WORKERS)
    order(caller, 240)
    wait_until(lambda: accepted(sandbox) >= 40)
    changed = time.time()
    sandbox.control("keys", {bad.secret_id: "another"})
    wait_until(lambda: paused_at(bad) is not None)
    report(f"refused: paused {paused(bad) - changed:.2f} s after the change of the key")
    wait_until(lambda: not waiting() and not running_on(good))
    calls = refusals(sandbox, bad)
    late = sum(moment > paused(bad) for moment, _ in calls)
    report(f"refused: {len(calls) - late} calls reached it before it was paused, {dict(named(calls))}; bar 3")
    report(f"refused: {late} after that, checks included; statuses while it is out {statuses()}")
    sandbox.control("keys", {bad.secret_id: bad.secret_key})
    began = time.time()
    wait_until(lambda: not unfinished())
    report(f"refused: {time.time() - began:.1f} s after the key was right again: {statuses()}")
    report_twins(sandbox, "refused")


def alone(family: ProcessGroup) -> None:
    """The only account refuses its key while 200 tasks wait, and is mended by staff, or by the provider."""
    sandbox = stage.start_sandbox(family, *QUICK)
    [only] = make_accounts(sandbox, 1)
    [caller] = stage.make_callers(1)
    learn_quick_generations()
    sandbox.control("keys", {only.secret_id: "another"})
    order(caller, 200)
    stage.start_workers(family, WORKERS)
    wait_until(lambda: paused_at(only) is not None)
    time.sleep(20)
    calls = refusals(sandbox, only)
    late = sum(moment > paused(only) for moment, _ in calls)
    report(f"alone: {len(calls) - late} calls reached it before it was paused; {late} in the 20 s after")
    began = time.time()
    only.secret_key = "another"
    only.save()
    wait_until(lambda: accepted(sandbox) >= 1)
    report(f"alone: first create {first_create(sandbox) - began:.1f} s after staff entered the right secret")
    sandbox.control("keys", {only.secret_id: "a third"})
    wait_until(lambda: paused_at(only) is not None)
    time.sleep(20)
    before, began = accepted(sandbox), time.time()
    sandbox.control("keys", {only.secret_id: "another"})
    wait_until(lambda: accepted(sandbox) > before)
    report(f"alone: {time.time() - began:.1f} s until the next create after the provider took the key again")
    wait_until(lambda: not unfinished())
    report(f"alone: all done {time.time() - began:.0f} s after that: {statuses()}")
    report_twins(sandbox, "alone")


SCENES: dict[str, Callable[[ProcessGroup], None]] = {
    scene.__name__: scene for scene in (drain, weights, turns, refused, alone)
}


def accepted(sandbox: Sandbox) -> int:
    return int(sandbox.state("arrivals=0&tasks=0")["creates"]["accepted"])


def shares(sandbox: Sandbox) -> Shares:
    return Counter(task["secret_id"] for task in sandbox.state()["tasks"])


def refused_for_limits(sandbox: Sandbox) -> int:
    return int(sandbox.state("arrivals=0&tasks=0")["refused_for_limits"])


def refusals(sandbox: Sandbox, account: Any) -> list[tuple[float, str]]:
    """The times and actions of the calls that an account refused."""
    arrivals = sandbox.state("tasks=0")["arrivals"]
    return [
        (moment, action)
        for moment, action, word, secret_id in arrivals
        if secret_id == account.secret_id and word.startswith("AuthFailure")
    ]


def named(calls: list[tuple[float, str]]) -> Counter[str]:
    return Counter(action for _, action in calls)


def first_create(sandbox: Sandbox) -> float:
    return float(min(task["created_at"] for task in sandbox.state()["tasks"]))


def paused_at(account: Any) -> datetime | None:
    """Since when the account is out of service."""
    from videos.models import AccountState

    out = AccountState.objects.filter(account=account.pk, condition=AccountState.Condition.OPEN)
    return out.values_list("since", flat=True).first()


def paused(account: Any) -> float:
    since = paused_at(account)
    assert since is not None
    return since.timestamp()


def waiting() -> bool:
    from videos.models import Task

    return Task.objects.filter(status__in=["waiting", "queued", "submitting"]).exists()


def running_on(account: Any) -> bool:
    from videos.models import Task

    return Task.objects.filter(status__in=["running", "storing"], account=account.pk).exists()


def unfinished() -> bool:
    from videos.models import Task
    from videos.states import ACTIVE

    return Task.objects.filter(status__in=list(ACTIVE)).exists()


def statuses() -> dict[str, int]:
    from videos.models import Task

    return dict(Counter(Task.objects.values_list("status", flat=True)))


def waits_of(tenants: set[str], sandbox: Sandbox) -> list[float]:
    """How long the tasks of these tenants waited until upstream had them."""
    from videos.models import Task

    created = {task["task_id"]: task["created_at"] for task in sandbox.state()["tasks"]}
    tasks = Task.objects.filter(tenant__name__in=tenants)
    return [created[task.upstream_task_id] - task.created_at.timestamp() for task in tasks]


def report_twins(sandbox: Sandbox, name: str) -> None:
    prompts = Counter(task["prompt"] for task in sandbox.state()["tasks"])
    report(f"{name}: {len(prompts)} prompts upstream, {sum(prompts.values()) - len(prompts)} twice; bar 0")


def learn_quick_generations() -> None:
    from tests.support import worker_process

    worker_process.learn_quick_generations()


if __name__ == "__main__":
    main()
