"""Classification of upstream's error messages, including what must not be misclassified."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.rows import each
from videos.states import Attention
from videos.tasks import failures
from videos.tasks.failures import Failure, FailureCode
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
from videos.upstream.tencent.errors import (
    ACCOUNT,
    CONTENT,
    FAILURES,
    MEANINGS,
    Fault,
    Meaning,
    advice,
    error,
    failed,
    is_about_our_account,
    is_about_the_request,
    is_content_policy,
    meaning,
    reason_of_failure,
)

REFUSED = "The upstream provider did not accept this request."
FAILED = "The upstream provider could not generate this video."


def failure(message: str, otherwise: FailureCode) -> Failure:
    return failures.failure(message, reason_of_failure(message), otherwise)


@each("wording", CONTENT)
def test_each_wording_of_moderation_is_recognised(wording: str) -> None:
    for text in (wording, f"The input {wording.title()}, try again", f"任务失败{wording}。"):
        assert failure(text, FailureCode.GENERATION_FAILED).code is FailureCode.CONTENT_POLICY_VIOLATION, text


@each("wording", ACCOUNT)
def test_no_wording_about_our_account_reaches_tenants(wording: str) -> None:
    for text in (wording, f"Task failed: {wording.upper()} of 100012345678", f"任务失败{wording}不足"):
        for otherwise, neutral in (
            (FailureCode.GENERATION_FAILED, FAILED),
            (FailureCode.UPSTREAM_REJECTED, REFUSED),
        ):
            assert failure(text, otherwise) == (otherwise, neutral, Attention.OUR_ACCOUNT), text


_SAID = [
    ("InvalidParameter.ViolationContent", "Not this.", True, False),
    ("FailedOperation", "Input Prompt violates policy", True, False),
    ("FailedOperation", "content moderation", True, False),
    ("InvalidParameter", "包含敏感词", True, False),
    ("", "The picture was rejected by risk control", True, False),
    ("", "审核不通过", True, False),
    ("", "内容不合规请修改", True, False),
    ("InvalidParameter", "Duration is too long", False, False),
    ("InvalidParameter", "AspectRatio is case-sensitive", False, False),
    ("InvalidParameter", "The prompt must not exceed 512 tokens, continuing is not possible", False, False),
    ("ResourceNotFound.DownloadError", "the image answered 403 Forbidden", False, False),
    ("", "", False, False),
    ("FailedOperation.UserArrears", "", False, True),
    ("InvalidParameterValue.UserUnRegister", "Who?", False, True),
    ("InvalidParameter", "The concurrency of this account is used up", False, True),
    ("InvalidParameter", "insufficient balance", False, True),
    ("", "账户余额不足", False, True),
    ("", "Your account violates the policy", True, True),
]


@each("code, message, is_policy, is_ours", _SAID)
def test_codes_and_messages_are_classified_alike(
    code: str, message: str, is_policy: bool, is_ours: bool
) -> None:
    text = f"{code} {message}"
    assert (is_content_policy(text), is_about_our_account(text)) == (is_policy, is_ours)


def test_only_errors_about_the_request_are_shown() -> None:
    assert is_about_the_request("InvalidParameter.InvalidUrl", "A bad link.")
    assert is_about_the_request("FailedOperation", "content moderation")
    assert not is_about_the_request("FailedOperation", "It failed.")
    assert not is_about_the_request("InvalidParameter", "The quota is used up.")


def test_a_link_is_not_taken_for_a_statement_about_our_account() -> None:
    message = "Cannot read https://media.example/cat.png?Signature=x&SecretId=y"
    assert failure(message, FailureCode.UPSTREAM_REJECTED).message == "Cannot read …"


# --- codes

VERDICTS: dict[type[UpstreamError], str] = {
    AccountRefused: (
        "InvalidParameter.AppId InvalidParameterValue.AppId InvalidParameterValue.SubAppId "
        "LimitExceeded.Quota ResourceNotFound.ServiceNotExist ResourceNotFound.UserNotExist "
        "AuthFailure AuthFailure.MFAFailure AuthFailure.SignatureExpire AuthFailure.SignatureFailure "
        "AuthFailure.SecretIdNotFound "
        "AuthFailure.UnauthorizedOperation AuthFailure.NeverHeardOf UnauthorizedOperation "
        "FailedOperation.InvalidAccount FailedOperation.InvalidMpsUser FailedOperation.InvalidUser "
        "FailedOperation.InvalidVodUser FailedOperation.NoPrivileges FailedOperation.UserArrears "
        "FailedOperation.UserStatusInavlid InvalidParameterValue.UserUnRegister IpInBlacklist "
        "IpNotInWhitelist ResourceNotFound.UserUnregister UnsupportedRegion "
        "UnsupportedProtocol InvalidAction NoSuchVersion NoSuchProduct ActionOffline"
    ),
    Throttled: (
        "RequestLimitExceeded RequestLimitExceeded.UinLimitExceeded RequestLimitExceeded.IPLimitExceeded "
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded LimitExceeded LimitExceeded.CreateTask"
    ),
    Busy: "ResourceInsufficient ResourceUnavailable.X ResourceInUse",
    Faulted: "FailedOperation FailedOperation.CreateAIGCTaskFailed FailedOperation.NeverHeardOf",
    OutcomeUnknown: (
        "FailedOperation.DBError FailedOperation.NetWorkError FailedOperation.QueryAIGCTaskFailed "
        "ResponseSizeLimitExceeded InternalError InternalError.DBError ServiceUnavailable "
        "NeverHeardOf NeverHeardOf.Detail requestlimitexceeded InvalidParameters"
    ),
    Refused: (
        "InvalidParameterValue.TaskId FailedOperation.TaskNotFound FailedOperation.CosStatusInavlid "
        "ResourceNotFound.CosBucketNotExist ResourceNotFound.CosBucketNameInvalid "
        "InvalidParameter InvalidParameter.InvalidUrl "
        "InvalidParameterValue.DurationTooLong MissingParameter UnknownParameter UnsupportedOperation "
        "RequestSizeLimitExceeded DryRunOperation InvalidRequest "
        "ResourceNotFound ResourceNotFound.TaskNotFound ResourceNotFound.DownloadError"
    ),
    Duplicate: "InvalidParameterValue.SessionId FailedOperation.TaskDuplicate",
}
CODES = [(code, kind) for kind, codes in VERDICTS.items() for code in codes.split()]


@each("code, kind", CODES)
def test_an_error_code_is_classified(code: str, kind: type[UpstreamError]) -> None:
    raised = error(code, "No.", "r-1")
    assert type(raised) is kind
    detail = {"error": kind.__name__, "code": code, "message": "No.", "request_id": "r-1"}
    assert raised.as_detail() == detail
    assert raised.advice == advice(code) != ""


@given(st.text())
def test_an_unlisted_error_code_leaves_the_outcome_unknown(word: str) -> None:
    known = {code.partition(".")[0] for code in MEANINGS}
    assert (meaning(word).verdict is OutcomeUnknown) or word.partition(".")[0] in known


def test_without_a_code_there_is_no_advice() -> None:
    assert advice("") == "" == UpstreamError("No.").advice


@each("code, known", MEANINGS.items())
def test_verdict_and_fault_agree(code: str, known: Meaning) -> None:
    """Whatever is about our account makes tasks wait, and nothing else does so without passing by itself."""
    assert (known.verdict is AccountRefused) == (known.fault is Fault.ACCOUNT)
    assert (known.verdict is Throttled) or known.fault is not Fault.THROTTLE
    assert (known.verdict is Refused) or known.fault is not Fault.CLIENT
    assert meaning(f"{code}.NeverHeardOf" if "." not in code else code) == known


@each("code, known", MEANINGS.items())
def test_only_faults_of_clients_are_shown_to_them(code: str, known: Meaning) -> None:
    is_shown = not error(code, "It is wrong.").reason.is_ours
    is_policy = error(code, "It is wrong.").reason.is_content_policy
    assert is_shown == (known.fault is Fault.CLIENT)
    assert is_policy == (code == "InvalidParameter.ViolationContent")


NEVER_RAN = ["RequestLimitExceeded"]
FORBIDDEN = [
    "ContentModerationFailed",
    "InvalidParameter.ViolationContent",
    "InvalidParameter.VoilationContent",
]
OURS = ["OperationCanceled", "RequestLimitExceeded"]
OTHERS = [
    *("FailedOperation", "InternalError", "InvalidParameter", "InvalidParameter.MediaFormat"),
    *("InvalidParameterValue", "ModelGenerateFailed", "ResourceInsufficient", "ResourceNotFound"),
    "TaskTimeout",
]


def test_each_code_of_a_failed_task_has_its_reason() -> None:
    assert {*FAILURES} == {*FORBIDDEN, *OURS, *OTHERS}
    for code in (*FAILURES, "NeverHeardOf"):
        reason = Reason(is_content_policy=code in FORBIDDEN, is_ours=code in OURS)
        assert failed(code, "It failed.") == (reason, code in NEVER_RAN), code


def test_the_message_of_a_failed_task_adds_to_its_code() -> None:
    assert failed("InternalError", "Input Prompt violates policy").reason.is_content_policy
    assert failed("ContentModerationFailed", "insufficient balance").reason == Reason(
        is_content_policy=True, is_ours=True
    )
