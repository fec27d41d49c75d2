"""The document of the signed API agrees with the code."""

import re
from pathlib import Path

from videos.catalogue import STABLE_VERSIONS, USUAL_SECONDS
from videos.dialects.tencent.codes import WHEN
from videos.dialects.tencent.fields import FIELDS, Field
from videos.dialects.tencent.view import ACTIONS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "tencent.md").read_text()


def rows(head: str) -> list[str]:
    """The rows of the table with that head."""
    [table] = re.findall(rf"^{re.escape(head)}\n\|[-|]+\|\n((?:\|.*\n)+)", DOCUMENT, re.MULTILINE)
    return str(table).splitlines()


def field_row(field: Field) -> str:
    limits = [f"at most {field.most} characters"] if field.most else []
    if field.allowed is not None:
        values = [f"`{str(value).lower()}`" for value in field.allowed]
        limits.append(f"only {' or '.join(values)}" if values else "not taken")
    name = field.path.replace("[]", ".N")
    required = "yes" if field.is_required else "no"
    return f"| `{name}` | {field.type.label} | {required} | {'; '.join(limits)} | {field.becomes} |"


def test_every_field_is_documented() -> None:
    documented = [
        row for action in FIELDS for row in rows(f"| {action} | Type | Required | Limit | Becomes |")
    ]
    assert documented == [field_row(field) for fields in FIELDS.values() for field in fields]


def test_every_code_is_documented() -> None:
    assert rows("| Code | When |") == [f"| `{code}` | {when} |" for code, when in WHEN.items()]


def test_every_default_is_documented() -> None:
    expected = [
        f"| {family} | `{version}` | {USUAL_SECONDS[family]} |" for family, version in STABLE_VERSIONS.items()
    ]
    assert rows("| ModelName | ModelVersion | Duration |") == expected


def test_the_rates_are_documented() -> None:
    for name, action in ACTIONS.items():
        assert f"| `{name}` | {action.scope} | {action.per_second} |" in DOCUMENT
