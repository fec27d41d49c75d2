"""Reelay on one machine: web, worker and sandbox upstream together, for `serve` and `demo`."""
