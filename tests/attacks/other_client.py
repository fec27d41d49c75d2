"""The program of the bystander: reads its request as a line of JSON and repeats it until its input ends.

It is run by its path and imports only the standard library, so that it starts fast.
"""

import http.client
import json
import sys
import threading
import time
from typing import Any

SOURCE = "127.0.0.9"
PACE = 0.04
"""Seconds between two requests of each half."""
GIVEN_UP = 4.0
"""Seconds after which a request counts as failed."""

Seen = dict[str, list[Any]]


class Half:
    """Half of the client, with a kept connection or a new one each time."""

    def __init__(self, order: dict[str, Any], seen: Seen, *, keeps: bool) -> None:
        self._path, self._seen, self._keeps = order["path"], seen, keeps
        self._headers = {"Authorization": f"Bearer {order['key']}"} if order["key"] else {}
        self._connection = http.client.HTTPConnection(
            order["host"], order["port"], timeout=GIVEN_UP, source_address=(SOURCE, 0)
        )

    def run(self, stop: threading.Event) -> None:
        """Send requests at fixed times until stopped, and measure from those times."""
        moment = time.monotonic()
        while not stop.wait(max(0.0, moment - time.monotonic())):
            trouble = self._trouble()
            self._seen["waits"].append(time.monotonic() - moment)
            self._seen["failures"] += [trouble] if trouble else []
            moment += PACE
        while moment < time.monotonic():  # due but not sent because the previous one hung
            self._seen["waits"].append(time.monotonic() - moment)
            moment += PACE

    def _trouble(self) -> str | None:
        """Send the request; returns what went wrong."""
        if not self._keeps:
            self._connection.close()
        is_kept = self._connection.sock is not None
        try:
            status = self._status()
        except (ConnectionError, http.client.BadStatusLine) as error:
            # A server may close a kept connection at any time; clients then retry on a new one.
            return self._trouble() if is_kept else type(error).__name__
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        return None if status == http.HTTPStatus.OK else f"status {status}"

    def _status(self) -> int:
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return answer.status


def main() -> None:
    order, stop = json.loads(sys.stdin.readline()), threading.Event()
    seen: Seen = {"waits": [], "failures": []}
    halves = [Half(order, seen, keeps=keeps) for keeps in (True, False)]
    threads = [threading.Thread(target=half.run, args=(stop,)) for half in halves]
    for thread in threads:
        thread.start()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
