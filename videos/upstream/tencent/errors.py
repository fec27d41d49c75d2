"""Classifies Tencent's errors: which are refusals, and what they are about. Pure.

Failed tasks have no error code, and the code of a refused create is often vague, so messages are searched for
keywords, in English and Chinese. Source: the facts, section 9.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from videos.upstream.base import (
    AccountRefused,
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
_REQUEST_CODES = ("InvalidParameter", "MissingParameter", "ResourceNotFound.DownloadError")
"""Prefixes of the codes about the client's request; all other codes are about our account."""

VERDICTS: dict[str, type[UpstreamError]] = {
    "RequestLimitExceeded": Throttled,
    "LimitExceeded": Throttled,
    "ResourceInsufficient": Throttled,
    "ResourceUnavailable": Throttled,
    "ResourceInUse": Throttled,
    "InternalError": OutcomeUnknown,
    "ServiceUnavailable": OutcomeUnknown,
    "ActionOffline": Refused,
    "AuthFailure": AccountRefused,
    "DryRunOperation": Refused,
    "FailedOperation": Refused,
    "FailedOperation.InvalidAccount": AccountRefused,
    "FailedOperation.InvalidMpsUser": AccountRefused,
    "FailedOperation.InvalidUser": AccountRefused,
    "FailedOperation.InvalidVodUser": AccountRefused,
    "FailedOperation.NoPrivileges": AccountRefused,
    "FailedOperation.UserArrears": AccountRefused,
    "FailedOperation.UserStatusInavlid": AccountRefused,  # upstream's spelling
    "InvalidAction": Refused,
    "InvalidParameter": Refused,
    "InvalidParameterValue": Refused,
    "InvalidParameterValue.UserUnRegister": AccountRefused,
    "InvalidRequest": Refused,
    "IpInBlacklist": AccountRefused,
    "IpNotInWhitelist": AccountRefused,
    "MissingParameter": Refused,
    "NoSuchProduct": Refused,
    "NoSuchVersion": Refused,
    "RequestSizeLimitExceeded": Refused,
    "ResourceNotFound": Refused,
    "ResourceNotFound.UserUnregister": AccountRefused,
    "UnauthorizedOperation": AccountRefused,
    "UnknownParameter": Refused,
    "UnsupportedOperation": Refused,
    "UnsupportedProtocol": Refused,
    "UnsupportedRegion": AccountRefused,
}
"""By code, else by its class, before the dot; new details after it appear at any time. An unlisted class
leaves the outcome unknown, the only verdict that cannot cost anybody money."""


def error(code: str, message: str, request_id: str = "") -> UpstreamError:
    """The exception for an error response."""
    kind = VERDICTS.get(code) or VERDICTS.get(code.partition(".")[0], OutcomeUnknown)
    return kind(message, code=code, request_id=request_id, reason=reason_of_refusal(code, message))


def reason_of_refusal(code: str, message: str) -> Reason:
    """Why a create was refused; a code that is not about the request is about our account."""
    reason = reason_of_failure(message, code)
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
    theirs = code.startswith(_REQUEST_CODES) or is_content_policy(said)
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
