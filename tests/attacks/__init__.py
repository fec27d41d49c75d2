"""Attacks on the HTTP edge of any running server: `python -m tests.attacks http://127.0.0.1:8000`.

The docstring of an attack says which kind of fault it looks for. An attack needs the server's address; some
need the key of a tenant, and with the server's process id its CPU and memory are measured as well.
`tests/house/test_attacks.py` runs them against its own server.
"""

from tests.attacks import attack, bodies, connections, head, proportion

ATTACKS = [each for module in (head, bodies, connections, proportion) for each in attack.of_module(module)]
