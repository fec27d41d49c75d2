"""What the refusals of buckets mean. S3 and COS share most of their codes."""

import re

from config.stores.base import Denied, Full, Misconfigured, Missing, StoreError, Unreachable

_CODE = re.compile(r"<Code>(\w+)</Code>")


class BeyondEnd(StoreError):
    """The range begins where the object ends, or behind it."""


_OF_CODE: dict[str, type[StoreError]] = {
    "NoSuchKey": Missing,
    **dict.fromkeys(
        (
            *("AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
            *("RequestTimeTooSkewed", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
        ),
        Denied,
    ),
    **dict.fromkeys(
        (
            *("NoSuchBucket", "InvalidBucketName", "PermanentRedirect", "TemporaryRedirect"),
            *("AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
        ),
        Misconfigured,
    ),
    **dict.fromkeys(("QuotaExceeded", "XMinioStorageFull", "EntityTooLarge"), Full),
    # The first is a 400, the others are a 404 and a 409: a new attempt may do better.
    **dict.fromkeys(("RequestTimeout", "IncompleteBody", "NoSuchUpload", "OperationAborted"), Unreachable),
}
_OF_STATUS: dict[int, type[StoreError]] = {
    **dict.fromkeys((401, 403), Denied),
    404: Missing,
    **dict.fromkeys((413, 507), Full),
    416: BeyondEnd,
    **dict.fromkeys((408, 409, 425, 429), Unreachable),
}


def failure(place: str, status: int = 0, code: str = "") -> StoreError:
    """The error for an answer with that status and code, if it has one; a status of 0 is no answer at all.

    Of an answer's text only the code is shown: some servers repeat what was signed, with its token.
    """
    fallback = Misconfigured if 300 <= status < 500 else Unreachable
    kind = _OF_CODE.get(code) or _OF_STATUS.get(status) or fallback
    return kind(f"{place}: {code or (f'status {status}' if status else 'no answer')}")


def code_in(text: str) -> str:
    """The code in the text of an answer; empty if there is none."""
    found = _CODE.search(text)
    return found[1] if found else ""
