"""Looks at the images and videos that a request names by URL, before a task is made of it (`CHECK_INPUTS`).

Upstream would refuse them too, but minutes later, and in its own words. Files that were uploaded are known.
"""

from collections.abc import Iterator, Mapping

from django.conf import settings

from videos.inputs import facts, rules
from videos.inputs.facts import Input
from videos.requests import InvalidRequestError, VideoRequest
from videos.requests.files import Upload, is_file_id
from videos.requests.violations import Violation


def check(request: VideoRequest) -> None:
    """Look at the inputs of a valid request, over the network, for at most `CHECK_INPUTS_SECONDS`.

    Does nothing unless `CHECK_INPUTS` is on. While too many requests are looked at in this process, the
    others pass. Raises `InvalidRequestError`, which names each URL that cannot be used and the reason.
    """
    if is_due(request):
        named = [*_named(request)]
        violations = [*_violations(named, facts.of(named), request)]
        if violations:
            raise InvalidRequestError(violations)


def is_due(request: VideoRequest) -> bool:
    """Whether `check` would look at anything."""
    return settings.CHECK_INPUTS and any(_named(request))


def _named(request: VideoRequest) -> Iterator[Input]:
    for field, urls, is_image in (("images", request.images, True), ("videos", request.videos, False)):
        for position, url in enumerate(urls):
            if not (isinstance(url, Upload) or is_file_id(url)):
                yield Input(f"{field}[{position}]", url, is_image=is_image)


def _violations(
    named: list[Input], known: Mapping[str, facts.Known], request: VideoRequest
) -> Iterator[Violation]:
    for given in named:
        found = known.get(given.url)
        if found is not None and (fault := rules.fault_of(given, found, request.model)):
            yield Violation.of(fault, given.place, rules.allowed(given))
