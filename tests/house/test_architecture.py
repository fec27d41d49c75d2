"""Import rules beyond the layers in `pyproject.toml`, checked against the source."""

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from tests.support.rows import each

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "accounts", "videos")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

PURE = (
    "accounts/buckets.py",
    "accounts/keys.py",
    "accounts/signatures.py",
    "accounts/quotas/limits.py",
    "config/clock.py",
    "config/days.py",
    "config/ids.py",
    "config/networks.py",
    "accounts/quotas/totals.py",
    "config/tc3.py",
    "config/texts.py",
    "videos/capabilities/",
    "videos/catalogue/",
    "videos/requests/",
    "videos/files/names.py",
    "videos/files/recognition.py",
    "videos/states.py",
    "videos/errors.py",
    "videos/estimates/poll_schedule.py",
    "videos/upstream/base.py",
    "videos/upstream/download_errors.py",
    "videos/upstream/decoding.py",
    "videos/upstream/hosts.py",
    "videos/upstream/pace.py",
    "videos/upstream/resuming.py",
    "videos/upstream/redaction.py",
    "videos/composer/body.py",
    "videos/composer/places.py",
    "videos/dialects/tencent/codes.py",
    "videos/dialects/tencent/fields.py",
    "videos/dialects/tencent/request.py",
    "videos/upstream/tencent/signing.py",
)
IMPURE = ("django", "rest_framework", "procrastinate", "httpx", "aiohttp", "time", "config")
PURE_GROUND = (
    *("config.clock", "config.days", "config.ids", "config.networks", "config.tc3", "config.texts"),
)
"""Modules of `config` that pure modules may use."""

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "videos/upstream/": ("django", "rest_framework"),
    # The sandbox is separate, like the provider.
    "videos/sandbox/": ("django", "accounts", "config", "videos.models", "videos.requests"),
}
"""Forbidden imports by folder, besides the layers `lint-imports` checks."""

ONLY_IN: dict[str, tuple[str, ...]] = {
    "videos.worker.jobs": ("videos/management/commands/worker.py",),
    # What others made is decoded by a process of its own; the sandbox encodes.
    "av": ("videos/media/decoding.py", "videos/sandbox/render.py", "videos/sandbox/frames.py"),
    "csv": ("config/web/csv_files.py",),
    "drf_spectacular": ("videos/openapi/",),
    "httpx": ("videos/upstream/", "config/stores/cos.py"),
    "obstore": ("config/stores/s3.py",),
    "rest_framework": (
        "videos/api/",
        "accounts/api/authentication.py",
        "accounts/api/permissions.py",
        "accounts/api/throttles.py",
    ),
}
"""Modules that may be imported only in these places."""

NAMES_THE_PROVIDER = (
    *("videos/upstream/", "videos/dialects/", "videos/sandbox/", "videos/catalogue/", "config/settings.py"),
    # The route and the signature of its dialect, and the form that makes key pairs for its SDKs.
    *("config/routes.py", "config/urls.py", "config/tc3.py", "accounts/pages/key_forms.py"),
)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _imports(path: Path) -> Collection[str]:
    return {*_names_imported(path)}


def _names_imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imported(path: Path, modules: tuple[str, ...]) -> set[str]:
    return {
        name
        for name in _imports(path)
        for module in modules
        if name == module or name.startswith(f"{module}.")
    }


@each("path", SOURCES)
def test_a_module_imports_nothing_forbidden(path: Path) -> None:
    for folder, modules in FORBIDDEN.items():
        if _name(path).startswith(folder):
            assert not _imported(path, modules)
    if _name(path).startswith(PURE):
        assert not _imported(path, IMPURE) - _imported(path, PURE_GROUND)
    for module, places in ONLY_IN.items():
        if not _name(path).startswith(places):
            assert not _imported(path, (module,))


def test_only_the_lifecycle_writes_a_status() -> None:
    for path in SOURCES:
        if _name(path) == "videos/tasks/lifecycle.py" or "/migrations/" in _name(path):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                written = {keyword.arg for keyword in node.keywords}
                assert not (node.func.attr in ("update", "create") and "status" in written), _name(path)
                if node.func.attr == "bulk_update":
                    assert "status" not in ast.unparse(node), _name(path)
            if isinstance(node, ast.Assign) and _name(path).startswith("videos/worker"):
                targets = {target.attr for target in node.targets if isinstance(target, ast.Attribute)}
                assert "status" not in targets, _name(path)


def test_only_the_upstream_folder_names_the_provider() -> None:
    elsewhere = [path for path in SOURCES if not _name(path).startswith(NAMES_THE_PROVIDER)]
    naming = [
        _name(path)
        for path in elsewhere
        if "tencent" in path.read_text().replace("videos.upstream.tencent", "").lower()
    ]
    # The migrations of the column contain the default address of a new account.
    migrations = (
        *("0001_initial", "0005_pages", "0009_connecting_accounts", "0015_plain_words"),
        "0028_words_of_upstream_accounts",
    )
    assert naming == [f"videos/migrations/{name}.py" for name in migrations]


PROVIDERS_WORDS = re.compile(
    r"AigcVideo|StoreCosParam|CosBucketName|InvalidParameter|LimitExceeded|FailedOperation|ResourceNotFound"
    r"|UserArrears|UnRegister|TC3-HMAC|AKID"
)
"""Fields, error codes and id prefixes that only the provider's own folder may use."""


def test_only_the_upstream_folder_uses_the_providers_terms() -> None:
    allowed = (*NAMES_THE_PROVIDER, "videos/migrations/", "videos/local/stack.py")  # it generates a key id
    elsewhere = [path for path in SOURCES if not _name(path).startswith(allowed)]
    assert [_name(path) for path in elsewhere if PROVIDERS_WORDS.search(path.read_text())] == []


def test_no_module_has_a_vague_name() -> None:
    vague = {"utils.py", "helpers.py", "common.py", "services.py", "misc.py"}
    assert not [_name(path) for path in SOURCES if path.name in vague]
