"""Calls a second are counted exactly, however many ask at the same moment."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.conftest import Caller
from videos.dialects.tencent import rate_limits
from videos.models import RecentCalls

THREADS, CALLS = 8, 5


@pytest.mark.django_db(transaction=True)
def test_threads_together_make_as_many_calls_as_are_allowed(owner: Caller, stranger: Caller) -> None:
    tenant, began = owner.tenant.pk, threading.Barrier(THREADS)

    def calls() -> list[bool]:
        try:
            connection.ensure_connection()
            began.wait()
            return [rate_limits.take(tenant, "Create", 10) for _ in range(CALLS)]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        start = time.monotonic()
        taken = [each.result() for each in [pool.submit(calls) for _ in range(THREADS)]]
        lasted = time.monotonic() - start
    admitted = sum(map(sum, taken))
    assert admitted == 10 or (lasted > 1 and 10 <= admitted <= 10 * (int(lasted) + 1))
    assert rate_limits.take(stranger.tenant.pk, "Create", 10)
    assert rate_limits.take(tenant, "Describe", 50)


def test_a_call_is_forgotten_after_a_second(owner: Caller) -> None:
    tenant = owner.tenant.pk
    assert rate_limits.take(tenant, "Create", 1)
    assert not rate_limits.take(tenant, "Create", 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE videos_recentcalls SET moments = ARRAY[clock_timestamp() - interval '1.01 second']"
        )
    assert rate_limits.take(tenant, "Create", 1)
    assert len(RecentCalls.objects.get().moments) == 1


def test_the_table_is_not_logged(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'videos_recentcalls'")
        assert cursor.fetchone() == ("u",)
