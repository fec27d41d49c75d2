"""Classification of upstream's error messages, including what must not be misclassified."""

from tests.support.rows import each
from videos.states import Attention
from videos.tasks import failures
from videos.tasks.failures import Failure, FailureCode
from videos.upstream.tencent.errors import (
    ACCOUNT,
    CONTENT,
    is_about_our_account,
    is_about_the_request,
    is_content_policy,
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
