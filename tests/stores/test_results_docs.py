"""`docs/results.md` is right about URLs and policies."""

import json
import re
from pathlib import Path

from config import stores
from config.stores.s3 import PART

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text()


def test_every_url_names_a_store() -> None:
    urls = re.findall(r"^\| `((?:file|s3|cos)://\S+)`", TEXT, re.MULTILINE)
    assert {url.partition(":")[0] for url in urls} == set(stores.KINDS)
    for url in urls:
        stores.open_store(url)


def test_policies_are_json() -> None:
    policies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    assert len(policies) == 2


def test_the_size_of_parts_is_as_documented() -> None:
    assert f"parts of {PART // 1024**2} MiB" in TEXT
    assert f"at most {PART * 10_000 // 1024**3} GiB" in TEXT
