"""A tenant's own bucket: checks of its settings, and the folder for a task's video. Pure.

The rules for names and lengths are those of COS.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID


def _(sentence: str) -> str:
    """Mark a sentence that is translated when it is shown."""
    return sentence


class InvalidBucket(ValueError):
    """An invalid setting of a bucket; `sentence` says why, with placeholders for `values`."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence % values)
        self.sentence = sentence
        self.values = values


_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+")
_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
_HOST = "{bucket}.cos.{region}.myqcloud.com"
_LONGEST_HOST = 60
"""Characters; this limits the name of a bucket."""
_LONGEST_KEY = 850
"""Bytes of an object's whole path."""
_OBJECT_NAME = 100
"""Characters reserved for the file's name, which upstream chooses."""
_TASK_ID = len("task_") + 32
_LONGEST_MODEL = 50
_LONGEST = {"tenant": "x" * 32, "model": "x" * _LONGEST_MODEL, "date": "x" * len("2026-11-20")}
"""The placeholders, each with a value of maximum length."""
_PREFIX = re.compile(rf"(?:[A-Za-z0-9._/-]|\{{(?:{'|'.join(_LONGEST)})\}})*")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]|\.(?=\.)")
"""Replaced in names of folders: all but plain characters, and all but the last of repeated dots."""


@dataclass(frozen=True)
class Destination:
    """Where upstream puts one task's video: a folder for this task only."""

    bucket: str
    region: str
    path: str


def destination(
    bucket: str, region: str, path_prefix: str, *, tenant_id: UUID, task_id: str, model: str, day: date
) -> Destination | None:
    """The folder of one task; None if no bucket is set.

    `task_id` is the public one, `day` the tenant's own. Unsafe characters in the model's name become
    underscores.
    """
    if not bucket:
        return None
    values = {"tenant": tenant_id.hex, "model": _folder_name(model), "date": day.isoformat()}
    folders = (_filled(path_prefix, values), task_id)
    return Destination(bucket, region, "/".join(folder for folder in folders if folder))


def begin(path_prefix: str, tenant_id: UUID) -> str:
    """What the keys of all of a tenant's videos begin with, such as reelay/ for reelay/{date}."""
    filled = _filled(path_prefix, {"tenant": tenant_id.hex})
    return f"{filled}/".partition("{")[0] if filled else ""


def host(bucket: str, region: str) -> str:
    """Where a bucket is read and written."""
    return _HOST.format(bucket=bucket, region=region)


def check_bucket(bucket: str, region: str) -> None:
    """Raise `InvalidBucket` unless it is a bucket's full name, possible in that region, or empty."""
    if not bucket:
        return
    if not _BUCKET.fullmatch(bucket):
        raise InvalidBucket(
            _(
                "Write name-appid, such as videos-1250000000. The name is of lower-case letters, digits and"
                " hyphens, and neither begins nor ends with a hyphen."
            )
        )
    longest = _LONGEST_HOST - len(host("", region))
    if len(bucket) > longest:
        raise InvalidBucket(_("It must not exceed %(longest)s characters in this region."), longest=longest)


def check_region(region: str, bucket: str) -> None:
    """Raise `InvalidBucket` for an invalid region, or if only one of bucket and region is set."""
    if bool(region) != bool(bucket):
        raise InvalidBucket(_("Set both the bucket and its region, or neither."))
    if region and not _REGION.fullmatch(region):
        raise InvalidBucket(_("Write a region such as ap-guangzhou."))


def check_path_prefix(prefix: str) -> None:
    """Raise `InvalidBucket` unless it is folders of plain characters and placeholders, or empty."""
    segments = prefix.split("/") if prefix else []
    if ".." in prefix or not all(segment.strip(".") for segment in segments):
        raise InvalidBucket(_("Separate folders with single slashes; .. is not allowed."))
    if not _PREFIX.fullmatch(prefix):
        placeholders = ", ".join(f"{{{name}}}" for name in _LONGEST)
        raise InvalidBucket(
            _("Only plain letters, digits, hyphens, underscores, dots and %(placeholders)s fit."),
            placeholders=placeholders,
        )
    if len(_filled(prefix, _LONGEST)) > _LONGEST_KEY - _OBJECT_NAME - _TASK_ID - len("//"):
        raise InvalidBucket(_("It is too long once its placeholders are filled in."))


def check_credentials(secret_id: str, *, has_key: bool) -> None:
    """Raise `InvalidBucket` if only one of secret id and key is set."""
    if bool(secret_id) != has_key:
        raise InvalidBucket(_("Set both the secret ID and its key, or neither."))


def check_role(role_arn: str, secret_id: str) -> None:
    """Raise `InvalidBucket` if both a role and a key pair are set."""
    if role_arn and secret_id:
        raise InvalidBucket(_("Set either a key pair or a role; clear the secret ID to use the role."))


def _folder_name(model: str) -> str:
    return _UNSAFE.sub("_", model)[:_LONGEST_MODEL].strip(".") or "_"


def _filled(prefix: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        prefix = prefix.replace(f"{{{name}}}", value)
    return prefix
