"""Do slow downloads succeed, in flat memory, and do they hold up creates? One web process.

    python -m tests.bench.slow_downloads [--store folder] [--downloads 32] [--clients 8] [--seconds 15]

Prints the latencies of creates alone and beside slow downloads, and their ratio, then how many downloads got
all 200 MB at 1 MB/s, and the memory of the web process. The raw limit beside them is `/healthz`, which does
nothing. With `--store proxy` the video comes from a bucket through the web process, with `redirect` from the
bucket itself.
"""

import argparse
import http.client
import io
import json
import os
import threading
import time
from urllib.parse import urlsplit

import psutil

from tests.bench import stage
from tests.bench.stage import percentile, report, wait_until
from videos.local.processes import Child, ProcessGroup

MEDIA_BYTES = 200 * 1000 * 1000
BYTES_PER_SECOND = 1000 * 1000
MEBIBYTE = 1024 * 1024
BODY = json.dumps({"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs"}).encode()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", choices=["folder", "proxy", "redirect"], default="folder")
    parser.add_argument("--downloads", type=int, default=32)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with stage.empty_gateway() as family:
        if options.store != "folder":
            _use_bucket(family, options.store)
        key, task_id = _seed()
        url = stage.start_web(family)
        _measure(url, "POST", "/v1/videos", key, options.clients, 2)  # warm up
        raw = _measure(url, "GET", "/healthz", key, options.clients, options.seconds / 3)
        alone = _measure(url, "POST", "/v1/videos", key, options.clients, options.seconds)
        memory = _resident(family)
        content = f"{url}/v1/videos/{task_id}/content"
        slow = [content, key, str(options.downloads), str(BYTES_PER_SECOND)]
        downloads = family.start("downloads", ["-m", "tests.bench.slow_client", *slow])
        time.sleep(2)
        beside = _measure(url, "POST", "/v1/videos", key, options.clients, options.seconds)
        _report(raw, alone, beside, options.downloads)
        most = _most_resident(family, downloads)
        got = downloads.tail().split()
        short = ", ".join(size for size in got if size != str(MEDIA_BYTES))
        whole = got.count(str(MEDIA_BYTES))
        report(f"{whole} of {options.downloads} downloads got all of it; bytes of the others: {short or '-'}")
        report(f"memory of the web process: {memory} MiB before, {most} MiB at most during them")


def _use_bucket(family: ProcessGroup, delivery: str) -> None:
    from django.conf import settings

    from tests.support.s3_server import KEY_ID, SECRET

    bucket = family.start("bucket", ["-m", "tests.bench.bucket_server"])
    wait_until(lambda: bucket.tail().endswith("\n"), 30)
    used = {
        "RESULTS_URL": bucket.tail().strip(),
        "RESULTS_KEY_ID": KEY_ID,
        "RESULTS_SECRET_KEY": SECRET,
        "CONTENT_DELIVERY": delivery,
    }
    os.environ |= used
    for name, value in used.items():
        setattr(settings, name, value)


def _resident(family: ProcessGroup) -> int:
    """MiB of the process that serves, which is the child of Granian's supervisor."""
    [web] = [child for child in family.children if child.name == "web"]
    [serving] = psutil.Process(web.process.pid).children()
    return int(serving.memory_info().rss) // MEBIBYTE


def _most_resident(family: ProcessGroup, downloads: Child) -> int:
    """The most until the downloads are over."""
    most = 0
    while downloads.process.poll() is None:
        most = max(most, _resident(family))
        time.sleep(0.5)
    return most


def _seed() -> tuple[str, str]:
    from datetime import timedelta

    from django.utils import timezone

    from config import stores
    from tests.conftest import order_video
    from videos.models import Task, UpstreamAccount
    from videos.states import Status

    stage.make_account()
    [caller] = stage.make_callers(1)
    now = timezone.now()
    stores.results().put("big.mp4", io.BytesIO(bytes(MEDIA_BYTES)), "video/mp4")
    task = order_video(caller)
    Task.objects.filter(pk=task.pk).update(
        status=Status.SUCCEEDED,
        account=UpstreamAccount.objects.get(),
        upstream_task_id="1",
        submitted_at=now,
        accepted_at=now,
        looked_at=now,
        done_at=now,
        media_name="big.mp4",
        media_bytes=MEDIA_BYTES,
        finished_at=now,
        expires_at=now + timedelta(days=1),
    )
    return caller.text or "", task.public_id


def _measure(url: str, method: str, path: str, key: str, clients: int, seconds: float) -> list[float]:
    latencies: list[float] = []
    deadline = time.monotonic() + seconds
    arguments = (urlsplit(url).netloc, method, path, key, deadline, latencies)
    threads = [threading.Thread(target=_client, args=arguments) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies


def _client(host: str, method: str, path: str, key: str, deadline: float, latencies: list[float]) -> None:
    connection = http.client.HTTPConnection(host, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while time.monotonic() < deadline:
        started = time.monotonic()
        connection.request(method, path, BODY if method == "POST" else None, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{method} {path} answered {answer.status}")
        latencies.append(time.monotonic() - started)
    connection.close()


def _report(raw: list[float], alone: list[float], beside: list[float], downloads: int) -> None:
    for name, latencies in (("healthz", raw), ("creates alone", alone), (f"beside {downloads}", beside)):
        p50, p99 = percentile(latencies, 50) * 1000, percentile(latencies, 99) * 1000
        report(f"{name:<14} {len(latencies):6d} requests   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms")
    ratio = percentile(beside, 99) / percentile(alone, 99)
    report(f"p99 of creates beside {downloads} slow downloads: {ratio:.2f} times that without")


if __name__ == "__main__":
    main()
