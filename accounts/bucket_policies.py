"""Access policies for a tenant's bucket, to paste at the provider. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NO_UIN = "UIN-OF-THE-PLATFORM"
"""Stands in a policy for the platform's account number, where the deployment does not tell it."""
SERVICE_ROLE = "MPS_QcsRole"
"""The role by which the provider's service writes into buckets."""

OF_OBJECTS = ("GetObject", "HeadObject", "PutObject", "DeleteObject")
OF_THE_PROVIDER = (
    *("PutObject", "InitiateMultipartUpload", "UploadPart", "ListParts"),
    *("CompleteMultipartUpload", "AbortMultipartUpload"),
)


@dataclass(frozen=True)
class Place:
    """A bucket, and what the keys of the tenant's videos begin with: folders, or nothing."""

    bucket: str
    region: str
    begin: str

    def resource(self, objects: str) -> str:
        """Objects of the bucket as policies name them; the digits after the name are its owner's number."""
        owner = self.bucket.rpartition("-")[2]
        return f"qcs::cos:{self.region}:uid/{owner}:{self.bucket}/{objects}"


def for_access(place: Place) -> dict[str, Any]:
    """For the key pair or role: read, write and delete objects below the prefix, and list those."""
    listing = _allow(("GetBucket",), place.resource("*"))
    if place.begin:
        # The prefix is compared as the request writes it, with its slashes escaped or not.
        forms = dict.fromkeys((place.begin, place.begin.replace("/", "%2F")))
        listing["condition"] = {"string_like": {"cos:prefix": [f"{form}*" for form in forms]}}
    return {"version": "2.0", "statement": [_allow(OF_OBJECTS, place.resource(f"{place.begin}*")), listing]}


def for_upstream(place: Place, uin: str) -> dict[str, Any]:
    """For the bucket: the provider's service may write objects below the prefix for the account `uin`."""
    role = f"qcs::cam::uin/{uin or NO_UIN}:roleName/{SERVICE_ROLE}"
    allowed = _allow(OF_THE_PROVIDER, place.resource(f"{place.begin}*"))
    return {"version": "2.0", "statement": [{"principal": {"qcs": [role]}, **allowed}]}


def written(policy: dict[str, Any]) -> str:
    """The policy as text to paste."""
    return json.dumps(policy, indent=2)


def _allow(actions: Sequence[str], resource: str) -> dict[str, Any]:
    return {
        "effect": "allow",
        "action": [f"name/cos:{action}" for action in actions],
        "resource": [resource],
    }
