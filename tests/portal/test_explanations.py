"""Each rule and limit has a sentence in both languages, which the form shows at the field that breaks it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import translation

from accounts.models import Quota
from accounts.quotas.limits import Kind, LimitReached, Limits
from tests.billing.test_limits import decided
from tests.conftest import Caller
from tests.contract.rules import ROWS
from tests.contract.test_contract_cases import CASES
from tests.portal.test_composer import can_express
from tests.support.people import Browser, text
from tests.support.uploads import png
from videos import catalogue, errors, explanations
from videos.composer.body import answers_of
from videos.composer.offer import Offer
from videos.composer.places import place_of
from videos.files.recognition import NotTaken
from videos.files.spool import Spool, TooLarge
from videos.inputs import rules as inputs
from videos.inputs.facts import Facts, Input, Unreadable
from videos.models import UpstreamAccount
from videos.requests import InvalidRequestError, Violation, parse
from videos.requests.draft import File
from videos.requests.files import FileKind
from videos.requests.rules import Fault, Rule

ENGLISH, CHINESE = "en", "zh-hans"
BROKEN = [row.body for row in ROWS if row.messages]
BROKEN += [case["request"] for case in CASES if not case["expect"]["ok"] and case.get("headers") != {}]
BROKEN += [
    {"model": "Kling-3.0-720p", "seconds": 5, "prompt": "a", "images": [f"https://x.example/{'a' * 5000}"]},
    {"model": "Kling-3.0-720p", "seconds": 5, "prompt": "a", "images": [f"file_{0:032x}"]},
    {
        "model": "Kling-3.0-720p",
        "seconds": 5,
        "metadata": {"ext_info": {"AdditionalParameters": {"a": [1] * 101}}},
    },
    {"model": "Kling-3.0-720p", "seconds": 5, "metadata": {"negative_prompt": "a" * 20_000}},
    {"seconds": 5, "metadata": {f"field{number}": 1 for number in range(60)}},
]
"""Bodies that break rules of `parse`: those of the contract, and some that it has no case for."""
WITH_A_FILE = {"model": File("model"), "seconds": 5}
NOT_IN_FORMS = {
    *(Rule.FIELD_NOT_SUPPORTED, Rule.SIZE_MALFORMED, Rule.SIZE_NOT_THE_RATIO, Rule.SIZE_NOT_THE_RESOLUTION),
    *(Rule.NAMES_DIFFER, Rule.RESOLUTION_OF_THE_MODEL),  # it has fields of the API alone
    *(Rule.NOT_TEXT, Rule.SUBJECTS_NOT_A_LIST, Rule.SUBJECT_EMPTY, Rule.VOICE_EMPTY),  # it makes them itself
    *(Rule.VOICES_WITHOUT_SUBJECTS, Rule.MORE),  # see the test of voices
}
"""Rules of `parse` that a form cannot break."""


def violations_of(body: dict[str, Any]) -> tuple[Violation, ...]:
    try:
        parse(body, find_files=lambda ids: {})
    except InvalidRequestError as error:
        return error.violations
    return ()


def _of_files() -> Iterator[Fault]:
    """What may be wrong with a file."""
    for content in (b"", b"GIF89a" + b"x" * 40, png(9_000, 9_000), png(9, 9)[:-20]):
        spool = Spool("a.png")
        try:
            spool.write(content)
            spool.received()
        except NotTaken as error:
            yield error.fault
        finally:
            spool.content.close()
    yield TooLarge(FileKind.PNG, 10 * 1024 * 1024).fault


def _of_inputs() -> Iterator[Fault | None]:
    """What may be wrong with a file at a URL."""
    spec = next(model for model in catalogue.MODELS if model.image_sizes)
    image = Input("images[0]", "https://x.example/a.png", is_image=True)
    for known in (Unreadable("no"), Facts(None, "a GIF", 1, None), Facts(FileKind.PNG, "", 1 << 30, None)):
        yield inputs.fault_of(image, known, spec)
    yield inputs.fault_of(image, Facts(FileKind.PNG, "", 1, (3, 3)), spec)


def told() -> list[tuple[Rule | None, Any]]:
    """Each rule that something broke, with its values."""
    refusals = [
        *(errors.NoPrice(), errors.NoUpstreamAccount(), errors.KeyRefused(), errors.FileNotStored()),
        *(errors.ModelNotAllowed("Kling-2.5-720p"), errors.MaxCostExceeded("2 CNY", "1 CNY")),
        errors.IdempotencyKeyReused(),
    ]
    broken = [violation for body in (*BROKEN, WITH_A_FILE) for violation in violations_of(body)]
    faults = [fault for fault in (*_of_files(), *_of_inputs()) if fault is not None]
    broke: list[Any] = [*broken, *faults, *refusals]
    return [(each.rule, each.values) for each in broke]


def limits() -> list[LimitReached]:
    """Each limit that refuses, of a tenant that may do nothing, and of one with a full queue."""
    names = (
        *("requests_per_minute", "key_requests_per_minute", "concurrent_tasks", "queued_tasks"),
        *("seconds_per_day", "seconds_per_month"),
    )
    amounts = ("spend_per_day", "spend_per_month", "key_spend_per_month")
    nothing: Any = {**dict.fromkeys(names, 0), **dict.fromkeys(amounts, Decimal(0)), "is_prepaid": True}
    full = Limits(concurrent_tasks=1, queued_tasks=0, queues_when_full=True, seconds_per_day=7)
    of_files = [LimitReached(Kind.QUOTA, name, 5, 5, "") for name in ("files", "files_bytes")]
    use = {"open_tasks": 1, "day_seconds": 5}
    return [*decided(Limits(**nothing)).refusals, *decided(full, use).refusals, *of_files]


@pytest.mark.parametrize("table", [explanations.RULES, explanations.LIMITS], ids=["rules", "limits"])
def test_a_sentence_has_two_languages_with_the_same_placeholders(table: Any) -> None:
    for name, sentence in (*table.items(), ("", explanations.UNKNOWN)):
        with translation.override(ENGLISH):
            english = str(sentence)
        with translation.override(CHINESE):
            chinese = str(sentence)
        assert re.search("[\u4e00-\u9fff]", chinese), name
        assert not re.search("[\u4e00-\u9fff]", english), name
        assert set(re.findall(r"%\(\w+\)s", chinese)) == set(re.findall(r"%\(\w+\)s", english)), name


def test_each_rule_is_broken_by_something_and_its_sentence_has_all_values() -> None:
    found = told()
    for language in (ENGLISH, CHINESE):
        with translation.override(language):
            for rule, values in found:
                sentence = explanations.of_rule(rule, values)
                assert "%(" not in sentence
                assert sentence != str(explanations.UNKNOWN), rule
    assert {rule for rule, _values in found} == set(Rule) == set(explanations.RULES)


def test_each_limit_that_refuses_has_a_sentence() -> None:
    for language in (ENGLISH, CHINESE):
        with translation.override(language):
            sentences = [explanations.of_limit(limit) for limit in limits()]
        assert not [sentence for sentence in sentences if "%(" in sentence]
    assert {limit.limit for limit in limits()} == set(explanations.LIMITS)


def test_a_limit_that_ends_says_when_to_try_again() -> None:
    spent = next(limit for limit in limits() if limit.limit == "seconds_per_day" and limit.value == 7)
    expected = "7 s of video can be created a day; 5 s are used. You can try again at 2026-11-21 00:00:00."
    assert explanations.of_limit(spent) == expected


def test_what_nobody_foresaw_is_told_in_general_words() -> None:
    unknown = Violation("after names an unknown task", "after")
    assert explanations.of_violation(unknown) == str(explanations.UNKNOWN)
    assert explanations.of_error(OSError("disk")) == [str(explanations.UNKNOWN)]


# --- at the form


@pytest.fixture
def alice(alice: Browser, account: UpstreamAccount) -> Browser:
    """Alice, who is offered the models of the account."""
    return alice


def preview(alice: Browser, page: str, answers: dict[str, Any], language: str = CHINESE) -> str:
    headers = {"hx-request": "true", "accept-language": language}
    answer = alice.client.post(f"{page}?part=preview", answers | {"form_id": str(uuid4())}, headers=headers)
    return unescape(text(answer))


def at(page: str, field: str) -> str:
    """What the page says is wrong with a field."""
    found = re.search(rf'<ul class="errors" id="errors-{field}"[^>]*>(.*?)</ul>', page)
    return found[1] if found else ""


def test_each_rule_is_explained_in_chinese_at_its_field(alice: Browser, page: str) -> None:
    seen: set[Rule | None] = set()
    for body in BROKEN:
        violations = violations_of(body)
        if not can_express(body) or {violation.rule for violation in violations} <= seen:
            continue
        answers = answers_of(body)
        shown, spec = preview(alice, page, answers | {"touched": "*"}), catalogue.find(body.get("model", ""))
        drawn = Offer(spec, answers).drawn if spec else ["model", "seconds", "prompt"]
        with translation.override(CHINESE):  # anew, as each request ends it
            sentences = [explanations.of_violation(violation) for violation in violations]
        for violation, sentence in zip(violations, sentences, strict=True):
            place = place_of(violation, answers)
            name = place.field if place.slot is None else f"{place.field}-{place.slot}"
            assert sentence in (at(shown, name) if name in drawn else shown), (body, violation)
            assert violation.message not in shown
        seen |= {violation.rule for violation in violations}
    of_requests = {violation.rule for body in BROKEN for violation in violations_of(body)}
    assert of_requests - seen == NOT_IN_FORMS


def test_an_untouched_empty_form_tells_only_beside_it_what_is_missing(alice: Browser, page: str) -> None:
    empty = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "", "images": [""]}
    missing = "Describe the video, or add an image or a video to start from."
    quiet = preview(alice, page, empty, ENGLISH)
    assert "<li>" not in quiet
    assert missing in quiet
    assert "note bad" not in quiet
    for touched in ("prompt", "*"):
        loud = preview(alice, page, empty | {"touched": touched}, ENGLISH)
        assert missing in at(loud, "prompt")
        assert "note bad" in loud
    fields = text(
        alice.client.post(
            f"{page}?part=fields", empty | {"touched": "prompt"}, headers={"hx-request": "true"}
        )
    )
    assert re.search(r'id="id-prompt"[^>]* aria-describedby="errors-prompt" aria-invalid="true"', fields)
    assert fields.count('aria-invalid="true"') == 1


def test_what_was_filled_in_is_judged_at_once_and_a_slot_is_described_by_its_group(
    alice: Browser, page: str
) -> None:
    links = [f"https://x.example/{number}.png" for number in range(3)]
    sent = {"model": "Kling-2.6-1080p", "seconds": "5", "prompt": "", "images": ["she", *links]}
    shown = preview(alice, page, sent, ENGLISH)
    assert "Enter a whole link" in at(shown, "images-0")
    assert "takes at most" in at(shown, "images")
    whole = text(alice.client.post(page, sent))
    assert whole.count('aria-describedby="errors-images-1 errors-images" aria-invalid="true"') == 1
    assert 'name="touched" value="*"' in whole


def test_a_voice_without_a_subject_is_told_at_the_voices(alice: Browser, page: str) -> None:
    image = {"images": ["https://x.example/she.png"], "subjects": [""], "voices": ["v1"]}
    shown = preview(alice, page, {"model": "Vidu-q2-720p", "seconds": "5", "prompt": "a", **image})
    assert "设置了音色的图片须填写主体 ID。" in at(shown, "voices")


def test_limits_that_refuse_are_explained(alice: Browser, page: str, owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, seconds_per_day=4)
    sent = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat"}
    assert "每天可创建 4 秒视频" in preview(alice, page, sent)
    refused = alice.client.post(page, sent, headers={"accept-language": CHINESE})
    assert "每天可创建 4 秒视频" in text(refused)


def test_a_link_that_cannot_be_read_is_told_at_its_slot(
    alice: Browser, page: str, settings: LazySettings
) -> None:
    settings.CHECK_INPUTS = True
    sent = {
        "model": "Kling-3.0-720p",
        "seconds": "5",
        "prompt": "a cat",
        "images": ["http://127.0.0.1:9/a.png"],
    }
    shown = unescape(text(alice.client.post(page, sent)))
    assert "The file at http://127.0.0.1:9/a.png cannot be read" in at(shown, "images-0")
