"""Classifies Tencent's errors: which are refusals, what they are about, and what staff should do. Pure.

What is known about codes is data: `MEANINGS` of refused calls, `FAILURES` of failed tasks. Codes are often
vague, and failed tasks of MPS have none, so messages are searched for keywords, in English and Chinese.
Source: the facts, sections 5.4 and 9; `errorcodes.py` of the SDK, where each code has a sentence.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from videos.upstream.base import (
    AccountRefused,
    Busy,
    Duplicate,
    Faulted,
    OutcomeUnknown,
    Reason,
    Refused,
    Throttled,
    UpstreamError,
)
from videos.upstream.redaction import MOST_READ, for_tenant

CONTENT = (
    # "voilat" is how upstream misspells it.
    *("violat", "voilat", "moderation", "risk control", "prohibited", "inappropriate", "nsfw", "pornograph"),
    *("content policy", "content filter", "content review", "content safety", "content security"),
    *("safety policy", "safety filter", "safety system", "safety check", "usage policy", "unsafe content"),
    *("illegal content", "sensitive content", "sensitive word", "sensitive info", "contains sensitive"),
    *("failed the review", "failed review", "not pass the review", "review failed", "review not passed"),
    *("违规", "违禁", "违法", "敏感", "不合规", "审核不通过", "审核未通过", "未通过审核", "审核失败", "风控"),
    *("内容安全", "安全审核", "涉黄", "涉政", "涉暴", "色情", "低俗", "血腥"),
)
"""Keywords of content moderation."""
ACCOUNT = (
    *("balance", "arrear", "overdue", "unpaid", "billing", "payment", "recharge", "insufficient fund"),
    *("credit", "quota", "concurren", "rate limit", "request limit", "too many requests", "frequency limit"),
    *("permission", "unauthori", "not authori", "no authority", "account", "appid", "uin", "sub-user"),
    *("secretid", "secret id", "secretkey", "secret key", "signature", "credential", "whitelist"),
    *("blacklist", "not activated", "not enabled", "not opened", "unregister", "un register"),
    *("resource pack", "subscri", "purchase"),
    *("余额", "欠费", "充值", "账单", "扣费", "付费", "购买", "套餐", "资源包", "配额", "额度"),
    *("并发", "限频", "限流", "频率", "频次", "请求过多", "权限", "授权", "鉴权", "签名", "密钥"),
    *("账号", "账户", "帐号", "帐户", "未开通", "未注册", "开通服务", "白名单", "黑名单", "子用户"),
)
"""Keywords of our account with upstream: balance, limits, permissions."""


def _(sentence: str) -> str:
    """Mark a sentence that is translated when it is shown."""
    return sentence


class Fault(StrEnum):
    """Who has to act."""

    CLIENT = "client"
    """The client, whose request it is."""
    ACCOUNT = "account"
    """We, as it is about our account."""
    SERVICE = "service"
    """Upstream itself."""
    THROTTLE = "throttle"
    """Nobody: it passes when there are fewer calls or tasks."""
    UNKNOWN = "unknown"
    """The code does not tell."""


class Meaning(NamedTuple):
    """What an error code says: what became of the call, who has to act, and what staff should do."""

    verdict: type[UpstreamError]
    fault: Fault
    advice: str


def _account(advice: str) -> Meaning:
    return Meaning(AccountRefused, Fault.ACCOUNT, advice)


_REQUEST = Meaning(Refused, Fault.CLIENT, _("The client must change the request."))
_WRONG_CALL = Meaning(
    Refused, Fault.UNKNOWN, _("The API of Tencent Cloud may have changed: see whether there is an update.")
)
_NO_TASK = Meaning(
    Refused, Fault.UNKNOWN, _("The account has no such task: check whether it was made with this account.")
)
_BUCKET = Meaning(
    Refused,
    Fault.UNKNOWN,
    _("Check the bucket in the tenant's settings, and whether the account may write to it."),
)
_MISDIRECTED = _account(
    _("Check that the endpoint is that of the product. If it is, its API may have changed: update Reelay.")
)
_FAILED = Meaning(
    Faulted, Fault.UNKNOWN, _("Read the message; if many tasks fail like this, ask Tencent Cloud.")
)
_RATE = Meaning(
    Throttled,
    Fault.THROTTLE,
    _("Calls are repeated automatically. If this lasts, lower the account's rates."),
)
_TASKS = Meaning(
    Throttled,
    Fault.THROTTLE,
    _("The account runs as many tasks as it may: lower that number, or have Tencent Cloud raise it."),
)
_CAPACITY = Meaning(Busy, Fault.SERVICE, _("Tencent Cloud lacks capacity. Calls are repeated automatically."))
_BROKEN = Meaning(
    OutcomeUnknown,
    Fault.SERVICE,
    _("There is a fault at Tencent Cloud. If it lasts, see the status page of its console."),
)
_UNLISTED = Meaning(
    OutcomeUnknown, Fault.UNKNOWN, _("This code is not known: look it up in the API's documentation.")
)
_CREDENTIALS = _account(
    _("Check the secret ID and the secret key, and whether the key is enabled in the console.")
)
_PERMISSION = _account(
    _("Permit the account's user the actions of the product in CAM, as with its full-access policy.")
)
_NOT_OPENED = _account(
    _("Open the product in the console of Tencent Cloud, and have its AIGC actions enabled.")
)
_ARREARS = _account(_("The account is in arrears or suspended: settle its bill."))
_NO_USER = _account(_("The account is not usable: see its state in the console of Tencent Cloud."))
_APPLICATION = _account(_("Check the application ID (SubAppId) of the account."))
_QUOTA = _account(_("A quota of the account is used up: raise it in the console of Tencent Cloud."))
_ADDRESS = _account(
    _("Permit the address of this server in the list of addresses of the account or its key.")
)

MEANINGS: dict[str, Meaning] = {
    # Common codes, by class.
    "RequestLimitExceeded": _RATE,
    "LimitExceeded": _TASKS,
    # A quota in seconds of video that the account's owner sets. It does not come back by waiting.
    "LimitExceeded.Quota": _QUOTA,
    "ResourceInsufficient": _CAPACITY,
    "ResourceUnavailable": _CAPACITY,
    "ResourceInUse": _CAPACITY,
    "InternalError": _BROKEN,
    "ServiceUnavailable": _BROKEN,
    "ResponseSizeLimitExceeded": _UNLISTED._replace(advice=_WRONG_CALL.advice),
    "AuthFailure": _CREDENTIALS,
    "AuthFailure.SignatureExpire": _account(
        _("Set the clock of this server: it differs from Tencent Cloud's by more than five minutes.")
    ),
    "AuthFailure.SignatureFailure": _account(
        _("The signature is wrong. Enter the secret key again, and check that it belongs to the secret ID.")
    ),
    "AuthFailure.UnauthorizedOperation": _PERMISSION,
    "AuthFailure.MFAFailure": _account(_("Use the key of a user who needs no second factor for API calls.")),
    "UnauthorizedOperation": _PERMISSION,
    "IpInBlacklist": _ADDRESS,
    "IpNotInWhitelist": _ADDRESS,
    "UnsupportedRegion": _account(_("Leave the account's region empty, or set one that has the product.")),
    **dict.fromkeys(("InvalidParameter", "InvalidParameterValue", "MissingParameter"), _REQUEST),
    # The wrong address or version, whatever was requested.
    **dict.fromkeys(("ActionOffline", "InvalidAction", "NoSuchProduct", "NoSuchVersion"), _MISDIRECTED),
    "UnsupportedProtocol": _MISDIRECTED,
    # Perhaps only of some requests.
    **dict.fromkeys(("DryRunOperation", "InvalidRequest", "UnknownParameter"), _WRONG_CALL),
    "UnsupportedOperation": _WRONG_CALL,
    "RequestSizeLimitExceeded": _WRONG_CALL,
    "ResourceNotFound": _FAILED._replace(verdict=Refused),
    # The vague ones. The answer to a create is an error, so there is no task and nothing is charged; whether
    # the request or the service caused it, only the message tells. It is repeated a few times.
    "FailedOperation": _FAILED,
    "FailedOperation.CreateAIGCTaskFailed": _FAILED,
    # "An error occurred in querying": the task may well exist, so this is no refusal.
    "FailedOperation.QueryAIGCTaskFailed": _BROKEN,
    # Between upstream's own parts, where a task may have been made.
    "FailedOperation.DBError": _BROKEN,
    "FailedOperation.NetWorkError": _BROKEN,
    # Tasks and sessions.
    "FailedOperation.TaskDuplicate": Meaning(
        Duplicate, Fault.UNKNOWN, _("The task exists already: find it by its session.")
    ),
    "FailedOperation.TaskNotFound": _NO_TASK,
    "InvalidParameterValue.TaskId": _NO_TASK,
    "InvalidParameterValue.SessionContextTooLong": _WRONG_CALL,
    "InvalidParameterValue.SessionIdTooLong": _WRONG_CALL,
    "LimitExceeded.CreateTask": _TASKS,
    "ResourceNotFound.TaskNotFound": _NO_TASK,
    # The request.
    "InvalidParameter.InvalidUrl": _REQUEST,
    "InvalidParameter.ModelNotSupported": _REQUEST._replace(
        advice=_("This product does not have the model: disable it, or use an account of the other product.")
    ),
    "InvalidParameter.ViolationContent": _REQUEST._replace(
        advice=_("Prompt or images violate the content policy: the client must change them.")
    ),
    "InvalidParameterValue.DurationTooLong": _REQUEST,
    "InvalidParameterValue.FileId": _WRONG_CALL,
    "InvalidParameterValue.MediaUrl": _REQUEST,
    "InvalidParameterValue.Resolution": _REQUEST,
    "InvalidParameterValue.Url": _REQUEST,
    "ResourceNotFound.DownloadError": _REQUEST._replace(
        advice=_("Tencent Cloud could not read an image or a video: the client must check the links.")
    ),
    # The tenant's bucket. Its settings may be wrong or our account's rights; that is not for tenants to read.
    "FailedOperation.CosStatusInavlid": _BUCKET,  # upstream's spelling
    "ResourceNotFound.CosBucketNameInvalid": _BUCKET,
    "ResourceNotFound.CosBucketNotExist": _BUCKET,
    # Our account with the product.
    "FailedOperation.InvalidAccount": _NO_USER,
    "FailedOperation.InvalidMpsUser": _NOT_OPENED,
    "FailedOperation.InvalidUser": _NO_USER,
    "FailedOperation.InvalidVodUser": _NOT_OPENED,
    "FailedOperation.NoPrivileges": _NOT_OPENED,
    "FailedOperation.UserArrears": _ARREARS,
    "FailedOperation.UserStatusInavlid": _ARREARS,  # upstream's spelling
    "InvalidParameter.AppId": _NOT_OPENED,
    "InvalidParameterValue.AppId": _NOT_OPENED,
    "InvalidParameterValue.SubAppId": _APPLICATION,
    "InvalidParameterValue.UserUnRegister": _NOT_OPENED,
    "ResourceNotFound.ServiceNotExist": _NOT_OPENED,
    "ResourceNotFound.UserNotExist": _NO_USER,
    "ResourceNotFound.UserUnregister": _NOT_OPENED,
}
"""By code, else by its class, before the dot; new details after it appear at any time. An unlisted class
leaves the outcome unknown, the only verdict that cannot cost anybody money."""
MEANINGS["InvalidParameterValue.SessionId"] = MEANINGS["FailedOperation.TaskDuplicate"]


class Failed(NamedTuple):
    """Why a task failed, and whether upstream never worked on it."""

    reason: Reason = Reason()
    never_ran: bool = False


_CONTENT_REASON = Reason(is_content_policy=True)
FAILURES: dict[str, Failed] = {
    # The account ran as many tasks as it may: it fails at once, after it was accepted.
    "RequestLimitExceeded": Failed(Reason(is_ours=True), never_ran=True),
    "ContentModerationFailed": Failed(_CONTENT_REASON),
    "InvalidParameter.ViolationContent": Failed(_CONTENT_REASON),
    "InvalidParameter.VoilationContent": Failed(_CONTENT_REASON),  # upstream's spelling
    # Staff or a colleague cancelled it in upstream's console.
    "OperationCanceled": Failed(Reason(is_ours=True)),
    # The request or its files.
    **dict.fromkeys(("InvalidParameter", "InvalidParameter.MediaFormat", "InvalidParameterValue"), Failed()),
    "ResourceNotFound": Failed(),
    # The service: a backlog of the model (FailedOperation), capacity, faults. It may have run for a while.
    **dict.fromkeys(("FailedOperation", "InternalError", "ModelGenerateFailed"), Failed()),
    **dict.fromkeys(("ResourceInsufficient", "TaskTimeout"), Failed()),
}
"""By `ErrCodeExt` of a failed VOD task; the message may say more than the code."""


def meaning(code: str) -> Meaning:
    """What a code says; of an unknown one what its class says."""
    return MEANINGS.get(code) or MEANINGS.get(code.partition(".")[0], _UNLISTED)


def advice(code: str) -> str:
    """What staff should do about a code, in English, to be translated when shown; empty without a code."""
    return meaning(code).advice if code else ""


MAY_BE_BUCKET = frozenset({"UnauthorizedOperation", "AuthFailure.UnauthorizedOperation"})
"""Codes, and classes of codes, that may mean the bucket of a task as well as the account."""


def error(code: str, message: str, request_id: str = "") -> UpstreamError:
    """The exception for an error response."""
    verdict, reason = meaning(code).verdict, reason_of_refusal(code, message)
    if verdict is Faulted and reason.is_content_policy:
        verdict = Refused  # the message says why
    return verdict(message, code=code, request_id=request_id, reason=reason, advice=advice(code))


def failed(code: str, message: str) -> Failed:
    """Why a VOD task failed, from its `ErrCodeExt` and its message."""
    known = FAILURES.get(code) or FAILURES.get(code.partition(".")[0], Failed())
    said = reason_of_failure(message, code)
    reason = Reason(
        is_content_policy=known.reason.is_content_policy or said.is_content_policy,
        is_ours=known.reason.is_ours or said.is_ours,
    )
    return known._replace(reason=reason)


def reason_of_refusal(code: str, message: str) -> Reason:
    """Why a create was refused; a code that is not about the request is about our account."""
    may_be_bucket = code in MAY_BE_BUCKET or code.partition(".")[0] in MAY_BE_BUCKET
    reason = replace(reason_of_failure(message, code), may_be_bucket=may_be_bucket)
    about_the_request = is_about_the_request(code, for_tenant(message, ""))
    return reason if about_the_request else replace(reason, is_ours=True)


def reason_of_failure(message: str, code: str = "") -> Reason:
    """Why a task failed."""
    return Reason(
        is_content_policy=is_content_policy(f"{code} {message[:MOST_READ]}"),
        is_ours=is_about_our_account(f"{code} {for_tenant(message, '')}"),
    )


def is_content_policy(text: str) -> bool:
    """Whether upstream's code or message is about forbidden content."""
    return _CONTENT.search(_split_words(text)) is not None


def is_about_our_account(text: str) -> bool:
    """Whether upstream's code or message is about our account, which tenants must not see."""
    return _ACCOUNT.search(_split_words(text)) is not None


def is_about_the_request(code: str, message: str) -> bool:
    """Whether upstream refused a create because of what the client sent."""
    said = f"{code} {message}"
    theirs = meaning(code).fault is Fault.CLIENT or is_content_policy(said)
    return theirs and not is_about_our_account(said)


def _split_words(text: str) -> str:
    """Split camel case: `UserUnRegister` becomes User Un Register."""
    return _CAMEL_CASE.sub(" ", text)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern of keywords, which must start a word; Chinese has no spaces."""
    starts = (rf"(?<![a-z]){re.escape(word)}" if word.isascii() else re.escape(word) for word in words)
    return re.compile("|".join(starts), re.IGNORECASE)


_CAMEL_CASE = re.compile("(?<=[a-z])(?=[A-Z])")
_CONTENT, _ACCOUNT = _any_of(CONTENT), _any_of(ACCOUNT)
