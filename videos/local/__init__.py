"""Runs web, worker and sandbox together on one machine, for `serve` and `demo`."""
