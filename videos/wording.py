"""What upstream says of a failure, fit for a tenant's eyes. Pure."""

import re
import string
from typing import NamedTuple

from videos.errors import FailureCode
from videos.upstream.judgement import is_about_our_account, is_content_policy

RESULT_LOST = "The video was made but could not be retrieved."
UNCONFIRMED = "The upstream provider never confirmed this request; it was not charged."
GIVEN_UP = "The upstream provider did not finish this video; it was given up and not charged."
OUR_ACCOUNT = "upstream refused it because of our account with it, not because of the request"
_SENTENCES = {
    FailureCode.UPSTREAM_REJECTED: "The upstream provider did not accept this request.",
    FailureCode.GENERATION_FAILED: "The upstream provider could not generate this video.",
}
"""What tenants are told where upstream's own words are not for them."""
LONGEST = 500
"""Characters of upstream's text that are passed on."""
_READ = 4 * LONGEST
"""Characters of it that are read at all: the pattern takes a time that grows with their square."""
_OF_NAMES = string.ascii_letters + string.digits + "-._~:/?#=&%+"
_PRIVATE = re.compile(
    r"""https?://\S+                            # links, signed ones among them
      | \b(?:[\w-]+\.)+(?:com|cn|net|io)\b      # hosts
      | \bAKID\w+                               # key ids
      | \b[\w-]*Aigc\w*-\w+                     # task ids
      | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b  # request ids
      | \b[0-9a-f]{16,}\b
      | \b\d{6,}\b                              # account numbers
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Failure(NamedTuple):
    """Why a task failed: the code and the message that its tenant gets, and why staff should look at it."""

    code: FailureCode
    message: str
    attention: str


def failure(message: str, otherwise: FailureCode, code: str = "", *, is_theirs: bool = True) -> Failure:
    """What upstream's code and message mean, whether it refused a create or a task failed later.

    `is_theirs` says whether they can be about the request. What is about our account no tenant reads.
    """
    public = for_tenant(message, _SENTENCES[otherwise])
    is_ours = not is_theirs or is_about_our_account(f"{code} {public}")
    is_policy = is_content_policy(f"{code} {message[:_READ]}")
    return Failure(
        FailureCode.CONTENT_POLICY_VIOLATION if is_policy else otherwise,
        _SENTENCES[otherwise] if is_ours else public,
        OUR_ACCOUNT if is_ours else "",
    )


def for_tenant(message: str, otherwise: str) -> str:
    """Upstream's message without ids, links and account names; `otherwise` where nothing is left of it."""
    text = " ".join(_PRIVATE.sub("…", _beginning(message)).split())
    return text[:LONGEST] if text.strip("… .:") else otherwise


def _beginning(message: str) -> str:
    """Without a name that is cut at the end, as half of one might not be known for one."""
    return message if len(message) <= _READ else message[:_READ].rstrip(_OF_NAMES)
