"""Attacks on the HTTP edge of any running server: `python -m tests.attacks http://127.0.0.1:8000`.

Each attack is one example of a kind of fault, and tells in its docstring which. They need nothing of the
server but its address; with the key of a tenant more of them can be tried, with the server's process id its
CPU and memory are measured too. `tests/house/test_attacks.py` lets them loose on a server of its own.
"""

from tests.attacks import attack, bodies, connections, head, proportion

ATTACKS = [each for module in (head, bodies, connections, proportion) for each in attack.of_module(module)]
