"""The form for a video agrees with the API, offers what models accept, and creates one task."""

import json
import shlex
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import APIKey, Purpose, Quota, Tenant, User
from tests.conftest import Caller
from tests.contract.rules import ROWS
from tests.contract.test_contract_cases import CASES
from tests.support.rows import check_each, each
from videos import catalogue
from videos.catalogue import ModelSpec
from videos.composer.answers import REPEATED_FIELDS
from videos.composer.body import SINGLE, answers_of, body_of, names
from videos.composer.form import VideoForm, answers_from, caller_at
from videos.composer.offer import Offer
from videos.composer.places import NON_FIELD, place_of
from videos.composer.preview import Preview
from videos.models import LedgerEntry, Task, TaskEvent, UpstreamAccount
from videos.pages.commands import curl
from videos.products import Product
from videos.requests import InvalidRequestError, VideoRequest, parse
from videos.requests.metadata import SWITCHES
from videos.tasks.manual import NotCreated, Requester, make
from videos.upstream import translate
from videos.upstream.base import Submission

INEXPRESSIBLE = {
    "single image field": "there is no field for one image",
    "unknown metadata key": "there is a field for each known key, and no other",
    "unknown metadata key but empty": "likewise",
    "output_config.Resolution cannot override model": "the resolution is part of the model's name",
    **dict.fromkeys(
        (
            "size sets the aspect ratio",
            "size contradicts metadata.aspect_ratio",
            "size of another resolution",
            "image under another name",
            "several at once",
            "duration other than seconds",
            "metadata field at the top",
            "harmless extras pass",
        ),
        "the form has fields of the API alone, and the ratio has one",
    ),
}
"""Cases of the contract that the form cannot express."""
TAKEN = [row for row in ROWS if not row.messages]


@pytest.fixture
def key(owner: Caller) -> APIKey:
    """The API key of Alice's people in the portal."""
    return APIKey.objects.of_people(owner.tenant, Purpose.PORTAL)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


def form_of(answers: Mapping[str, Any], key: APIKey, form_id: str = "") -> VideoForm:
    return VideoForm(answers, caller_at(key, form_id or str(uuid4()), answers, timezone.now()))


_NUMBERS = {"seconds", "index", "duration", "element_id", "max_cost"}
_TRUTHS = {"enhance_prompt", "multi_shot", *SWITCHES}
_LONGEST_NUMBER = 18


def as_form_values(value: Any, name: str = "") -> Any:
    """The value with numbers and booleans as text, as in a form."""
    if isinstance(value, dict):
        return {inner: as_form_values(item, inner) for inner, item in value.items()}
    if isinstance(value, list):
        return [as_form_values(item, name) for item in value]
    if isinstance(value, bool):
        return str(value).lower() if name in _TRUTHS else value
    is_number = isinstance(value, int) and name in _NUMBERS and len(str(value)) <= _LONGEST_NUMBER + 1
    return str(value) if is_number else value


def can_express(request: dict[str, Any]) -> bool:
    """Whether the form can express the body."""
    return bool(as_form_values(body_of(answers_of(request))) == as_form_values(request))


# --- agreement with the API


@each("case", CASES)
def test_form_and_api_agree_on_each_case_of_the_contract(
    case: dict[str, Any], owner: Caller, key: APIKey, account: UpstreamAccount
) -> None:
    assert can_express(case["request"]) is (case["name"] not in INEXPRESSIBLE)
    if case["name"] in INEXPRESSIBLE:
        return
    form = form_of(answers_of(case["request"]), key)
    answer = owner.post("/v1/videos/validate", case["request"]).json()
    assert form.is_valid() is answer.get("valid", False)
    expected = sorted(error["message"] for error in answer.get("errors", ()))
    assert sorted(violation.message for violation in form.violations) == expected
    if form.checked is not None:
        assert form.checked.request.as_body() == answer["request"]
        assert form.checked.quote.as_dict() == answer["price"]


def test_cases_the_form_cannot_express_exist() -> None:
    assert set(INEXPRESSIBLE) < {case["name"] for case in CASES}


def test_a_rule_the_form_can_break_has_its_message_at_a_field() -> None:
    breakable = [row for row in ROWS if row.messages and isinstance(row.body, dict) and can_express(row.body)]
    check_each(breakable, _has_its_sentence_at_a_field, name=lambda row: row.name)


def _has_its_sentence_at_a_field(row: Any) -> None:
    answers = answers_of(row.body)
    with pytest.raises(InvalidRequestError) as refusal:
        parse(body_of(answers))
    assert [violation.message for violation in refusal.value.violations] == row.messages
    places = {place_of(violation, answers).field for violation in refusal.value.violations}
    assert places <= {*SINGLE, *REPEATED_FIELDS, "shots"}


def test_a_request_can_be_submitted_again() -> None:
    check_each(TAKEN, _can_be_asked_for_again, name=lambda row: row.name)


def _can_be_asked_for_again(row: Any) -> None:
    first = parse(row.body)
    again = parse(body_of(answers_of(first.as_body())))
    assert _payload(again) == _payload(first)


def _payload(request: VideoRequest) -> Any:
    """The upstream payload, with embedded JSON parsed."""
    payload = translate(request, Product.MPS, Submission()).payload
    opened = json.loads(payload.get("AdditionalParameters", "{}"))
    return as_form_values({**payload, "AdditionalParameters": opened})


@given(
    st.dictionaries(st.sampled_from(SINGLE), st.lists(st.text(max_size=20), max_size=2)),
    st.dictionaries(st.sampled_from(REPEATED_FIELDS), st.lists(st.text(max_size=20), max_size=9)),
)
def test_any_input_is_validated_and_every_message_belongs_to_a_field(
    single: dict[str, list[str]], many: dict[str, list[str]]
) -> None:
    answers = single | many
    try:
        parse(body_of(answers))
    except InvalidRequestError as refusal:
        fields = {place_of(violation, answers).field for violation in refusal.violations}
        assert NON_FIELD not in fields


OWN_PROPERTIES = {
    *("action", "autocomplete", "dataset", "elements", "enctype", "id", "length", "method", "name"),
    *("noValidate", "requestSubmit", "reset", "submit", "target", "title"),
}
"""What scripts read of a form, which a field of that name would hide from them."""


def test_no_field_hides_a_property_of_the_form_and_former_names_are_still_read() -> None:
    assert not OWN_PROPERTIES & {*names()}
    former = QueryDict("elements=7&elements=8&prompt=a+cat&prices=1")
    assert answers_from(former) == {"prompt": ["a cat"], "element_ids": ["7", "8"]}
    both = QueryDict("element_ids=9&elements=7")
    assert answers_from(both) == {"element_ids": ["9"]}


# --- offers


@each("spec", catalogue.MODELS)
def test_everything_the_form_offers_is_valid(spec: ModelSpec) -> None:
    offer = Offer(spec, {})
    base = {"model": [spec.name], "prompt": ["a cat"], "seconds": [offer.seconds_chosen]}
    parse(body_of(base))
    for seconds in offer.seconds:
        parse(body_of(base | {"seconds": [str(seconds)]}))
    for ratio in offer.ratios:
        parse(body_of(base | {"aspect_ratio": [ratio]}))
    for choice in (*offer.choices, *offer.further_choices):
        for option in choice.options:
            parse(body_of(base | {choice.name: [option.value]}))
    slots = [f"https://cdn.example.com/{position}.png" for position in range(offer.max_images)]
    parse(body_of(base | {"images": slots}))
    if offer.videos:
        parse(body_of(base | {"videos": ["https://cdn.example.com/clip.mp4"]}))


@pytest.mark.parametrize(
    ("model", "images", "labels"),
    [
        ("Kling-2.5-1080p", 2, ["First frame", "Last frame"]),
        ("Kling-2.5-720p", 1, ["First frame"]),
        ("Vidu-q2-720p", 2, ["Reference 1", "Reference 2"]),
        ("Kling-o1-720p", 1, ["First frame"]),
        ("Kling-o1-720p", 2, ["Reference 1", "Reference 2"]),
        ("Kling-3.0-720p", 2, ["First frame", "Last frame"]),
        ("Kling-3.0-720p", 3, ["Reference 1", "Reference 2", "Reference 3"]),
    ],
)
def test_a_slot_is_labelled_with_the_role_of_its_image(model: str, images: int, labels: list[str]) -> None:
    spec = catalogue.find(model)
    assert spec is not None
    offer = Offer(spec, {"images": [f"https://x.example/{number}.png" for number in range(images)]})
    assert [str(slot.label) for slot in offer.images] == labels


def test_a_reference_video_reduces_lengths_and_images() -> None:
    spec = catalogue.find("Kling-3.0-omni-720p")
    assert spec is not None
    offer = Offer(spec, {"videos": ["https://x.example/clip.mp4"]})
    assert (offer.seconds[-1], offer.max_images) == (10, 4)


def test_the_shots_show_the_seconds_left() -> None:
    spec = catalogue.find("Kling-3.0-720p")
    assert spec is not None
    answers = {
        "seconds": ["10"],
        "multi_shot": ["true"],
        "shot_prompts": ["a", "b"],
        "shot_durations": ["3", "4"],
    }
    assert Offer(spec, answers).seconds_left == 3


# --- the preview


def test_the_preview_shows_price_effect_and_command(
    owner: Caller, key: APIKey, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1, seconds_per_day=7)
    answers = {"model": ["Kling-3.0-720p"], "seconds": ["5"], "prompt": ["it's a cat"]}
    preview = Preview(form_of(answers, key))
    command = curl(preview.form.body, RequestFactory().get("/"))
    effects = {str(effect.label): effect for effect in preview.effects}
    assert (effects["Concurrent videos"].after, effects["Concurrent videos"].limit) == (1, 1)
    assert (effects["Video today"].before, effects["Video today"].after) == (0, 5)
    assert preview.decision is not None
    assert not preview.decision.refusals
    assert preview.checked is not None
    assert preview.checked.quote.amount > 0
    words = shlex.split(command.replace("\\\n", ""))
    assert words[1] == "http://testserver/v1/videos"
    assert json.loads(words[-1]) == preview.form.body


def test_the_preview_shows_the_limit_that_refuses(
    owner: Caller, key: APIKey, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, seconds_per_day=4)
    answers = {"model": ["Kling-3.0-720p"], "seconds": ["5"], "prompt": ["a cat"]}
    preview = Preview(form_of(answers, key))
    assert preview.decision is not None
    assert [refusal.limit for refusal in preview.decision.refusals] == ["seconds_per_day"]
    assert not Task.objects.exists()


# --- creating

BODY = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat"}


def test_a_form_sent_twice_makes_one_task(key: APIKey, alice: User, account: UpstreamAccount) -> None:
    form_id, asked = str(uuid4()), Requester(alice, "portal")
    made = [make(BODY, caller_at(key, form_id, answers_of(BODY), timezone.now()), asked) for _ in range(2)]
    assert made[0] == made[1] == Task.objects.get()
    assert LedgerEntry.objects.count() == 1
    assert TaskEvent.objects.filter(verb="asked", detail__by="alice", detail__at="portal").count() == 1


def test_a_form_sent_again_with_other_values_is_refused(
    key: APIKey, alice: User, account: UpstreamAccount
) -> None:
    form_id, asked = str(uuid4()), Requester(alice, "portal")
    make(BODY, caller_at(key, form_id, answers_of(BODY), timezone.now()), asked)
    other = BODY | {"prompt": "a dog"}
    with pytest.raises(NotCreated, match="already sent"):
        make(other, caller_at(key, form_id, answers_of(other), timezone.now()), asked)
    assert Task.objects.count() == 1


def test_limits_apply_to_people_as_to_programs(
    owner: Caller, key: APIKey, alice: User, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=0)
    with pytest.raises(NotCreated, match="At most 0 videos"):
        make(BODY, caller_at(key, "a form", answers_of(BODY), timezone.now()), Requester(alice, "portal"))
    assert not Task.objects.exists()
    assert not TaskEvent.objects.exists()


def test_nothing_is_made_for_a_suspended_tenant(
    owner: Caller, key: APIKey, alice: User, account: UpstreamAccount
) -> None:
    owner.tenant.suspend(timezone.now())
    with pytest.raises(NotCreated, match="suspended"):
        make(BODY, caller_at(key, "a form", answers_of(BODY), timezone.now()), Requester(alice, "portal"))


def test_the_key_of_the_portal_cannot_be_used_by_a_program(key: APIKey, owner: Caller) -> None:
    again = APIKey.objects.of_people(owner.tenant, Purpose.PORTAL)
    assert again == key
    assert APIKey.objects.of_people(owner.tenant, Purpose.CONSOLE) != key
    other = Tenant.objects.create(name="Bob")
    assert APIKey.objects.of_people(other, Purpose.PORTAL).tenant == other
