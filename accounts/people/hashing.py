"""Passwords hashed in a small pool of their own, so that many who guess do not slow down the API.

A hash takes a third of a second of CPU, on purpose. One thread computes them, at a low priority; a few may
wait for it, and everybody else is asked to come again.
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
"""Each of them occupies one of the threads that answer requests."""
RETRY_SECONDS = 5
_NICENESS = 10


class Busy(Exception):
    """More passwords are waiting to be checked than may wait."""


def _step_back() -> None:
    # In Linux a thread has a priority of its own.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class Pool:
    """Threads that compute, and places to wait for them."""

    def __init__(self, threads: int, most_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hashing", initializer=_step_back)
        self._places = threading.BoundedSemaphore(threads + most_waiting)

    def run(self, compute: Callable[[], str]) -> str:
        """What it computes. Raises `Busy` where nobody else may wait."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            return self._threads.submit(compute).result()
        finally:
            self._places.release()


_pool = Pool(THREADS, MOST_WAITING)


def _in_child() -> None:
    global _pool
    _pool = Pool(THREADS, MOST_WAITING)


os.register_at_fork(after_in_child=_in_child)


class PooledHasher(PBKDF2PasswordHasher):
    """Django's own, computed in the pool. Raises `Busy`."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash of the password."""
        return _pool.run(lambda: PBKDF2PasswordHasher.encode(self, password, salt, iterations))


class BusyMiddleware(MiddlewareMixin):
    """Answers 503 where a password could not be hashed now."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Ask to come again in a moment."""
        if not isinstance(exception, Busy):
            return None
        answer = render(request, "people/busy.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        answer["Retry-After"] = str(RETRY_SECONDS)
        return answer
