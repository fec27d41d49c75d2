"""Where the CPU time of a create, a status read and a list goes: by the lane in batches, and by the view.

    python -m tests.bench.where_time_goes [--requests 640]

Runs requests in this process without a server. Prints the CPU time of one request, measured without a
profiler, and the share of each layer in it, from a profile by functions (`cProfile`). The database's own work
is not in it, only waiting for it is left out.
"""

import argparse
import cProfile
import json
import pstats
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.test import Client, RequestFactory
from django.utils import timezone

from config.edge.answers import Answer
from tests.bench import stage
from tests.bench.gateway import BODY
from tests.bench.stage import report

if TYPE_CHECKING:
    from tests.conftest import Caller
    from videos.lane.asked import Asked

BATCHES = (1, 16, 64)
ROOT = Path(__file__).resolve().parents[2]
LAYERS = {
    "accounts/": "keys, quotas, totals",
    "config/db": "SQL, client side",
    "psycopg": "SQL, client side",
    "django/db": "Django's models and connections",
    "config/": "server, middleware, encoding",
    "videos/lane": "the lane itself",
    "videos/api": "views and responses",
    "videos/requests": "rules of the model",
    "videos/catalogue": "rules of the model",
    "videos/upstream": "rules of the model",
    "videos/": "tasks, prices, offers",
    "rest_framework": "Django REST framework",
    "django/": "Django",
    "json": "JSON",
}
"""Layers by a part of the path of their files; the first that matches counts."""
WAITING = ("wait", "poll", "select", "acquire")
"""Functions that wait for the database."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=640)
    count = parser.parse_args().requests
    with stage.empty_gateway():
        stage.make_account()
        callers = stage.make_callers(max(BATCHES))
        for name, path, body in _requests(callers[0]):
            report(f"\n{name}")
            _print("by the view", partial(_by_the_view, _client(callers[0]), path, body), 1, count)
            for size in BATCHES:
                _print(f"in batches of {size}", _by_the_lane(callers, path, body, size), size, count)


def _requests(caller: "Caller") -> list[tuple[str, str, Any]]:
    from tests.conftest import order_video

    tasks = [order_video(caller, BODY) for _ in range(20)]
    return [
        ("A create", "/v1/videos", BODY),
        ("A status read", f"/v1/videos/{tasks[0].public_id}", None),
        ("A list of 20", "/v1/videos", None),
    ]


def _client(caller: "Caller") -> Client:
    return Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {caller.text}"})


def _by_the_view(client: Client, path: str, body: Any) -> None:
    answer: Any = client.post(path, body, "application/json") if body else client.get(path)
    assert answer.status_code == 200


def _by_the_lane(callers: "list[Caller]", path: str, body: Any, size: int) -> Callable[[], None]:
    from accounts.models import APIKey
    from videos.lane.lanes import serving

    APIKey.objects.update(last_used_at=timezone.now())  # the view serves a key whose use is to be recorded
    batch = [_asked(caller, path, body) for caller in (callers[:size] if body else callers[:1] * size)]
    serve_batch = serving()[batch[0].route.kind]

    def serve() -> None:
        assert all(isinstance(answer, Answer) for answer in serve_batch(batch))

    return serve


def _asked(caller: "Caller", path: str, body: Any) -> "Asked":
    from tests.support.both_ways import scope_of
    from videos.lane.asked import recognise

    content = json.dumps(body).encode() if body else b""
    headers = {"authorization": f"Bearer {caller.text}"}
    factory, kind = RequestFactory(SERVER_NAME="localhost"), "application/json"
    made = factory.generic("POST" if body else "GET", path, content, kind, headers=headers)
    asked = recognise(scope_of(made.META), content)
    assert asked is not None
    return asked


def _print(way: str, serve: Callable[[], None], size: int, count: int) -> None:
    for _ in range(3):
        serve()
    started = time.process_time()
    for _ in range(count // size):
        serve()
    each = (time.process_time() - started) / count
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(count // size):
        serve()
    profile.disable()
    shares = _shares(profile)
    total = sum(shares.values())
    report(f"  {way}: {each * 1e6:.0f} µs")
    for layer, seconds in shares.most_common():
        if seconds > total / 50:
            report(f"    {seconds / total:5.0%}  {layer}")


def _shares(profile: cProfile.Profile) -> Counter[str]:
    """Seconds by layer; a built-in function counts for the layers that call it."""
    found: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if any(word in name for word in WAITING):
            continue
        if file != "~":
            found[_layer(file)] += own
            continue
        for (caller, _, _), figures in callers.items():
            found[_layer(caller)] += figures[2]
    return found


def _layer(file: str) -> str:
    path = file.removeprefix(f"{ROOT}/")
    return next((layer for part, layer in LAYERS.items() if part in path), "Python and the test client")


if __name__ == "__main__":
    main()
