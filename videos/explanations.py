"""What people are told of a rule or a limit that refuses a video: one sentence for each, in their language.

Programs get the contract's messages instead, which come with the violation.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.quotas.limits import Kind, LimitReached
from config.amounts import format_with_currency
from videos.errors import NotAdmitted, ReelayError
from videos.requests import InvalidRequestError, Violation
from videos.requests.rules import Rule, Values

RULES: Mapping[Rule, Promise] = {
    Rule.TOO_MANY_BYTES: _("Shorten this to at most %(most)s bytes."),
    Rule.TOO_MANY_ITEMS: _("A list or an object in it may have at most %(most)s entries."),
    Rule.FIELD_NOT_SUPPORTED: _("Leave out “%(field)s”: no model takes it."),
    Rule.TEXT_NOT_FILE: _("Send “%(field)s” as text, not as a file."),
    Rule.NOT_TEXT: _("Enter a text here."),
    Rule.NOT_STORABLE: _("Remove the invisible characters: they cannot be stored."),
    Rule.NOT_ON_OR_OFF: _("Choose on or off, or leave it to the provider."),
    Rule.NOT_A_CHOICE: _("Choose one of the values that are offered."),
    Rule.NAMES_DIFFER: _("“%(first)s” and “%(second)s” mean the same, but differ: keep one of them."),
    Rule.MORE: _("And %(count)s more."),
    Rule.MODEL_MISSING: _("Choose a model."),
    Rule.MODEL_UNKNOWN: _("The model %(model)s is not available: choose another one."),
    Rule.MODEL_NOT_ALLOWED: _("The model %(model)s may not be used here: choose another one."),
    Rule.SECONDS_MISSING: _("Choose a length."),
    Rule.SECONDS_NOT_WHOLE: _("Give the length in whole seconds."),
    Rule.SECONDS_NOT_ALLOWED: _("%(model)s does not make videos of %(value)s s: choose %(allowed)s s."),
    Rule.PROMPT_MISSING: _("Describe the video, or add an image or a video to start from."),
    Rule.PROMPT_TOO_LONG: _("Shorten the prompt to %(most)s characters; it has %(length)s."),
    Rule.SIZE_MALFORMED: _("Give the size as width and height, such as 1280x720."),
    Rule.SIZE_NOT_THE_RATIO: _("Give either a size or an aspect ratio: these two differ."),
    Rule.SIZE_NOT_THE_RESOLUTION: _("The size must have the resolution of the model, %(resolution)s."),
    Rule.MAX_COST_MALFORMED: _("Enter an amount of money, such as 1.50."),
    Rule.COST_OVER_MAXIMUM: _("The video costs %(cost)s, more than the %(most)s that you allow."),
    Rule.URL_MALFORMED: _("Enter a whole link that begins with https:// or http://."),
    Rule.URL_TOO_LONG: _("Use a shorter link: at most %(most)s characters."),
    Rule.IMAGES_NOT_SUPPORTED: _("%(model)s takes no images: remove them, or choose another model."),
    Rule.TOO_MANY_IMAGES: _("%(model)s takes at most %(most)s images: remove the others."),
    Rule.VIDEOS_NOT_SUPPORTED: _("This model takes no reference video: remove it, or choose another model."),
    Rule.TOO_MANY_VIDEOS: _("Use at most %(most)s reference video."),
    Rule.FILE_UNKNOWN: _("The file %(file)s no longer exists: upload it again."),
    Rule.FILE_OF_ANOTHER_KIND: _("Use another file: its content must be %(allowed)s."),
    Rule.FILE_EMPTY: _("The file is empty: choose another one."),
    Rule.FILE_TOO_LARGE: _("The file is too large: the limit is %(most_bytes)s."),
    Rule.FILE_DAMAGED: _("The file is damaged or incomplete: choose another one."),
    Rule.FILE_NOT_STORED: _("The file could not be stored: send it again in a moment."),
    Rule.IMAGE_TOO_LARGE: _("The image is too large: %(width)s x %(height)s pixels. Make it smaller."),
    Rule.IMAGE_OF_ANOTHER_SIZE: _("%(model)s takes images of %(allowed)s; this one has %(value)s."),
    Rule.INPUT_UNREADABLE: _("The file at %(url)s cannot be read: use a link that everybody can open."),
    Rule.NOT_AN_OBJECT: _('Enter a JSON object, such as {"name": "value"}.'),
    Rule.RATIO_NOT_SUPPORTED: _("%(model)s takes no aspect ratio: leave it to the provider."),
    Rule.RATIO_NOT_ALLOWED: _("%(model)s does not take %(value)s: choose %(allowed)s."),
    Rule.RATIO_WITH_IMAGES: _("%(model)s takes an aspect ratio only without images: remove one of them."),
    Rule.RESOLUTION_OF_THE_MODEL: _("The resolution is part of the model: choose another model."),
    Rule.SWITCH_OF_ANOTHER_MODEL: _("Only %(owner)s takes this setting: leave it to the provider."),
    Rule.SUBJECTS_NOT_A_LIST: _("Give the subjects as a list."),
    Rule.TOO_FEW_SUBJECTS: _("Give a subject ID for each image, or for none."),
    Rule.SUBJECTS_NOT_SUPPORTED: _("This model takes no subjects: remove them."),
    Rule.SUBJECT_EMPTY: _("Give a subject ID for each image up to the last one that has one."),
    Rule.VOICES_WITHOUT_SUBJECTS: _("Give a subject ID for each image that has a voice."),
    Rule.VOICES_NOT_SUPPORTED: _("This model takes no voices: remove them."),
    Rule.VOICE_EMPTY: _("Give a voice ID, or remove its subject."),
    Rule.TOO_MANY_REFERENCES: _("Remove images: at most %(most)s are allowed."),
    Rule.TOO_MANY_REFERENCES_AND_ELEMENTS: _(
        "Remove images or elements: at most %(most)s are allowed together."
    ),
    Rule.TOO_MANY_ELEMENTS: _("Remove elements: with one image, at most %(most)s are allowed."),
    Rule.ELEMENTS_NOT_A_LIST: _("Give the elements as a list."),
    Rule.SHOT_TYPE_MISSING: _("Several shots need the shot type “customize”."),
    Rule.SHOT_TYPE_WITHOUT_SHOTS: _("Leave out the shot type, or switch on several shots."),
    Rule.SHOTS_SWITCHED_OFF: _("Remove the shots, or switch on several shots."),
    Rule.SHOTS_NOT_A_LIST: _("Give the shots as a list."),
    Rule.SHOT_COUNT: _("Use one to %(most)s shots."),
    Rule.SHOT_PROMPT_MISSING: _("Give each shot a prompt."),
    Rule.SHOT_PROMPT_TOO_LONG: _("Shorten the prompt of the shot to %(most)s characters."),
    Rule.SHOT_INDEX: _("Number the shots from 1."),
    Rule.SHOT_TOO_SHORT: _("Give each shot at least one second, in whole seconds."),
    Rule.SHOT_TOO_LONG: _("Make the shot no longer than the video, %(most)s s."),
    Rule.SHOTS_NOT_THE_LENGTH: _("The shots last %(total)s s together, but the video lasts %(seconds)s s."),
    Rule.TENANT_SUSPENDED: _("The tenant is suspended, so no videos can be created for it."),
    Rule.FORM_SENT_BEFORE: _(
        "This form was already sent with other values. Open a new form for another video."
    ),
    Rule.NO_PRICE: _("This model has no price at the moment: choose another one."),
    Rule.NO_ACCOUNT: _("This model is unavailable right now: try again soon, or choose another model."),
}
LIMITS: Mapping[str, Promise] = {
    "requests_per_minute": _("At most %(limit)s videos can be created per minute."),
    "key.requests_per_minute": _("With this key, at most %(limit)s videos can be created per minute."),
    "concurrent_tasks": _("At most %(limit)s videos are made at the same time; now there are %(used)s."),
    "queued_tasks": _("At most %(limit)s videos wait in the queue; now there are %(used)s."),
    "seconds_per_day": _("%(limit)s s of video can be created a day; %(used)s s are used."),
    "seconds_per_month": _("%(limit)s s of video can be created a month; %(used)s s are used."),
    "spend_per_day": _("%(limit)s can be spent a day; %(used)s is spent."),
    "spend_per_month": _("%(limit)s can be spent a month; %(used)s is spent."),
    "key.spend_per_month": _("With this key, %(limit)s can be spent a month; %(used)s is spent."),
    "balance": _("The balance of %(limit)s does not cover this video."),
    "files": _("At most %(limit)s files can be kept."),
    "files_bytes": _("The files may take %(limit)s together; %(used)s are used."),
}
"""By the names of `LimitReached`; each reads well for a limit of 0, too."""
UNKNOWN: Promise = _("This cannot be accepted as it is.")
SOME_LIMIT: Promise = _("A limit of the tenant, which you may not see, does not allow this now.")


def file_size(count: int) -> str:
    """A number of bytes as `10 MB` or `1.5 GB`: without a decimal that is 0."""
    return re.sub(r"[.,]0(?=\D)", "", filesizeformat(count))


_MONEY = ("spend_per_day", "spend_per_month", "key.spend_per_month", "balance")
_FORMATS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(_MONEY, format_with_currency),
    "files_bytes": file_size,
}
"""How the values of a limit are written, if not as numbers."""
_NOT_WRITTEN = 10**18
"""Numbers from here on, which nobody means; Python refuses to write very long ones."""


def of_rule(rule: Rule | None, values: Values) -> str:
    """The sentence for a broken rule; a general one if people are not expected to break it."""
    sentence = None if rule is None else RULES.get(rule)
    return str(UNKNOWN if sentence is None else sentence) % _in_words(values)


def of_violation(violation: Violation) -> str:
    """The sentence for a violation."""
    return of_rule(violation.rule, violation.values)


def of_limit(refusal: LimitReached) -> str:
    """The sentence for a limit that refuses a video or a file, and when to try again, if that is sure."""
    written = _FORMATS.get(refusal.limit, str)
    values = {"limit": written(refusal.value), "used": written(refusal.used)}
    sentence = str(LIMITS.get(refusal.limit, UNKNOWN)) % values
    if refusal.retry_at is None or refusal.kind is Kind.CONCURRENCY:  # then the time is an estimate
        return sentence
    when = timezone.localtime(refusal.retry_at).strftime("%Y-%m-%d %H:%M:%S")
    again = gettext("You can try again at %(when)s.") % {"when": when}
    return gettext("%(sentence)s %(next_sentence)s") % {"sentence": sentence, "next_sentence": again}


def of_error(error: Exception, *, tells_limits: bool = True) -> list[str]:
    """The sentences for an exception that refuses a video or a file.

    Whoever may not see a tenant's limits is told only that one of them refuses.
    """
    if isinstance(error, InvalidRequestError):
        return [of_violation(violation) for violation in error.violations]
    if isinstance(error, NotAdmitted):
        return [of_limit(refusal) for refusal in error.refusals] if tells_limits else [str(SOME_LIMIT)]
    return [of_rule(error.rule, error.values) if isinstance(error, ReelayError) else str(UNKNOWN)]


def _in_words(values: Values) -> dict[str, str]:
    return {name: _written(name, value) for name, value in values.items()}


def _written(name: str, value: Any) -> str:
    """A value as sentences name it."""
    if name == "most_bytes":
        return file_size(value)
    if isinstance(value, int) and abs(value) >= _NOT_WRITTEN:
        return "…"
    return _listed(value) if isinstance(value, tuple) else str(value)


def _listed(allowed: Sequence[Any]) -> str:
    """Such as `3-15` or `4, 8 or 12`."""
    *others, last = allowed
    if _is_range(allowed):
        return f"{allowed[0]}-{last}"
    words = {"others": ", ".join(map(str, others)), "last": last}
    return gettext("%(others)s or %(last)s") % words if others else str(last)


def _is_range(allowed: Sequence[Any]) -> bool:
    """Whether they are three or more whole numbers without a gap."""
    first, count = allowed[0], len(allowed)
    return isinstance(first, int) and count > 2 and list(allowed) == [*range(first, first + count)]
