"""A bucket of S3 as `python -m tests.bench.bucket_server`, which prints the `RESULTS_URL` for it."""

import signal
import sys

from tests.support.s3_server import S3Server

if __name__ == "__main__":
    server = S3Server()
    sys.stdout.write(f"{server.results_url('results')}\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
