"""What each accepted case of `cases.json` is sent as, to each product: one reviewed file for each of them.

`python -m tests.contract.golden` writes them anew; review the difference against the products' documentation.
"""

import json
import re
from pathlib import Path
from typing import Any

from accounts.buckets import Destination
from videos.products import Product
from videos.requests import parse
from videos.upstream import translate
from videos.upstream.base import Submission

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((HERE.parent / "cases.json").read_text())
ACCEPTED = {case["name"]: case["request"] for case in CASES if case["expect"]["ok"]}
SUBMISSION = Submission(
    Destination("films-1250000000", "ap-guangzhou", "reelay/2026-11-20/task_1"), session="task_1-1"
)


def path(product: Product, name: str) -> Path:
    """The file of a case, named after it."""
    return HERE / product / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.json"


def files() -> dict[Path, str]:
    """Every file with the text it should have."""
    return {
        path(product, name): _written(translate(parse(body), product, SUBMISSION).payload)
        for product in Product
        for name, body in ACCEPTED.items()
    }


def _written(payload: dict[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
