"""Hashes passwords in a small thread pool, so that password guessing does not slow down the API.

A hash takes a third of a second of CPU, on purpose. One low-priority thread computes them, a few requests may
wait for it, and any more are answered with 503.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

THREADS = 1
MOST_WAITING = 3
"""Each waiting request occupies one of the threads that serve requests."""
RETRY_SECONDS = 5
_NICENESS = 10


class HashingPoolFull(Exception):
    """Too many passwords are waiting to be hashed."""


def _lower_priority() -> None:
    # On Linux each thread has its own priority.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class Pool:
    """A thread pool with a bounded number of waiting callers."""

    def __init__(self, threads: int, most_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hashing", initializer=_lower_priority)
        self._places = threading.BoundedSemaphore(threads + most_waiting)

    def run(self, compute: Callable[[], str]) -> str:
        """Return the result of `compute`. Raises `HashingPoolFull` if too many callers are waiting."""
        if not self._places.acquire(blocking=False):
            raise HashingPoolFull
        try:
            return self._threads.submit(compute).result()
        finally:
            self._places.release()


_pool = Pool(THREADS, MOST_WAITING)


def _renew_pool() -> None:
    global _pool
    _pool = Pool(THREADS, MOST_WAITING)


os.register_at_fork(after_in_child=_renew_pool)


class PooledHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2 hasher, run in the pool. Raises `HashingPoolFull`."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        return _pool.run(lambda: PBKDF2PasswordHasher.encode(self, password, salt, iterations))


class BusyMiddleware(MiddlewareMixin):
    """Answers 503 with `Retry-After` if a password could not be hashed now."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, HashingPoolFull):
            return None
        response = render(request, "people/busy.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
