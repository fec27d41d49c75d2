"""The error codes of API 3.0 that we answer with, and when. Pure."""

from enum import StrEnum


class Code(StrEnum):
    """A code; `WHEN` describes each."""

    AUTHORIZATION = "AuthFailure.InvalidAuthorization"
    SECRET_ID = "AuthFailure.SecretIdNotFound"  # noqa: S105 - a code
    SIGNATURE = "AuthFailure.SignatureFailure"
    EXPIRED = "AuthFailure.SignatureExpire"
    TOKEN = "AuthFailure.TokenFailure"  # noqa: S105 - a code
    SCOPE = "AuthFailure.UnauthorizedOperation"
    ADDRESS = "IpNotInWhitelist"
    NOT_ALLOWED = "UnauthorizedOperation"
    ACTION = "InvalidAction"
    VERSION = "NoSuchVersion"
    PROTOCOL = "UnsupportedProtocol"
    REQUEST = "InvalidRequest"
    TOO_LARGE = "RequestSizeLimitExceeded"
    MISSING = "MissingParameter"
    UNKNOWN = "UnknownParameter"
    TYPE = "InvalidParameter"
    VALUE = "InvalidParameterValue"
    TOO_LONG = "InvalidParameterValue.DurationTooLong"
    RESOLUTION = "InvalidParameterValue.Resolution"
    MODEL = "InvalidParameter.ModelNotSupported"
    URL = "InvalidParameter.InvalidUrl"
    RATE = "RequestLimitExceeded"
    CONCURRENCY = "LimitExceeded.CreateTask"
    QUOTA = "LimitExceeded"
    BALANCE = "FailedOperation.UserArrears"
    TASK = "ResourceNotFound.TaskNotFound"
    NOT_FOUND = "ResourceNotFound"
    IN_USE = "ResourceInUse"
    NO_ACCOUNT = "ResourceUnavailable"
    BUSY = "ServiceUnavailable"
    INTERNAL = "InternalError"


WHEN: dict[Code, str] = {
    Code.AUTHORIZATION: "`Authorization` or `X-TC-Timestamp` is missing or malformed",
    Code.SECRET_ID: "the key pair does not exist, is revoked or expired, or its tenant is suspended",
    Code.SIGNATURE: "the signature does not match the request",
    Code.EXPIRED: "the time of the signature is more than five minutes from ours, or not of its date",
    Code.TOKEN: "`X-TC-Token` was sent; there are no temporary credentials here",
    Code.SCOPE: "the key pair lacks the scope: write to create, read to describe",
    Code.ADDRESS: "the key pair may not be used from this address",
    Code.NOT_ALLOWED: "the key pair may not use the model",
    Code.ACTION: "the action is neither of the two",
    Code.VERSION: "the version is not 2019-06-12",
    Code.PROTOCOL: "it is no POST of `application/json` in UTF-8, or not of HTTP/1.1",
    Code.REQUEST: "the body is no JSON object or did not arrive whole, or the request is malformed",
    Code.TOO_LARGE: "the body exceeds 1 MiB, or the head its limits",
    Code.MISSING: "a required parameter or header is missing",
    Code.UNKNOWN: "a parameter is not defined for the action",
    Code.TYPE: "a parameter has another type than the one documented",
    Code.VALUE: "a parameter has a value that is not taken; the message says which are",
    Code.TOO_LONG: "`Duration` is longer than the model's longest",
    Code.RESOLUTION: "`Resolution` is not one of the model's",
    Code.MODEL: "there is no such model or version, or it is not offered",
    Code.URL: "a URL is malformed, or what it leads to cannot be used",
    Code.RATE: "too many calls a second, or requests per minute; ask again a second or a minute later",
    Code.CONCURRENCY: "the limit of concurrent or queued tasks is reached; ask again once one has ended",
    Code.QUOTA: "a limit of seconds or spend, of a day or a month, does not allow the task",
    Code.BALANCE: "the balance does not cover the task",
    Code.TASK: "the task does not exist, was deleted, or is another tenant's",
    Code.NOT_FOUND: "the path is none of this API",
    Code.IN_USE: "something that the request needs is in use",
    Code.NO_ACCOUNT: "no upstream account can take the task at the moment; nothing was created",
    Code.BUSY: "too many requests at once, or no answer in time, when a task may have been created",
    Code.INTERNAL: "a fault of ours, such as a database that is away; quote the RequestId",
}
"""When each code is answered, as `docs/tencent.md` has it."""


class Refused(Exception):
    """The request is refused with that code."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
