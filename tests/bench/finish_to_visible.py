"""How soon is a finished video visible? Many open tasks of one account, random ends, two workers.

    python -m tests.bench.finish_to_visible [--tasks 500] [--mean 120] [--sigma 20] [--workers 2]

Prints the time from upstream's DONE to `completed`, and the share of the describe budget that was used.
"""

import argparse
import time

from tests.bench import stage
from tests.bench.stage import percentile, report


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--mean", type=float, default=120)
    parser.add_argument("--sigma", type=float, default=20)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with stage.empty_gateway() as family:
        times = ["--generation-seconds", str(options.mean), "--generation-sigma", str(options.sigma)]
        sandbox = stage.start_sandbox(family, *times, "--seed", "1")
        stage.start_workers(family, options.workers)
        started = time.time()
        _create_tasks(sandbox, options.tasks)
        _wait_for_all(options.tasks)
        _report(sandbox, time.time() - started)


def _create_tasks(sandbox: stage.Sandbox, count: int) -> None:
    from tests.conftest import order_video

    stage.make_account(sandbox.url)
    [caller] = stage.make_callers(1)
    for number in range(count):
        order_video(caller, {"model": "Kling-3.0-720p", "seconds": 5, "prompt": f"clip {number}"})


def _wait_for_all(count: int) -> None:
    from videos.models import Task
    from videos.states import FINAL

    while (final := Task.objects.filter(status__in=FINAL).count()) < count:
        report(f"… {final} of {count} finished")
        time.sleep(10)


def _report(sandbox: stage.Sandbox, seconds: float) -> None:
    from videos.models import Task

    state = sandbox.state()
    ended = {task["task_id"]: task["done_at"] for task in state["tasks"]}
    tasks = Task.objects.filter(status="succeeded", finished_at__isnull=False)
    waits = [
        task.finished_at.timestamp() - ended[task.upstream_task_id]
        for task in tasks
        if task.finished_at and task.upstream_task_id
    ]
    describes = state["describes"]["answered"]
    report(f"tasks completed            {len(waits)} in {seconds:.0f} s")
    for name, percent in (("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)):
        report(f"DONE to visible, {name}       {percentile(waits, percent):.2f} s")
    report(f"describes                  {describes}, {describes / max(1, len(waits)):.1f} a task")
    report(f"share of the budget, 36/s  {describes / seconds / 36:.0%}")
    report(f"creates at upstream        {state['creates']['accepted']}")
    refused = f"{state['creates']['refused']} creates, {state['describes']['refused']} describes"
    report(f"refused for its limits     {state['refused_for_limits']} ({refused})")


if __name__ == "__main__":
    main()
