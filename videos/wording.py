"""What upstream says of a failure, fit for a tenant's eyes. Pure."""

import re
import string

RESULT_LOST = "The video was made but could not be retrieved."
UNCONFIRMED = "The upstream provider never confirmed this request; it was not charged."
GIVEN_UP = "The upstream provider did not finish this video; it was given up and not charged."
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


def for_tenant(message: str, otherwise: str) -> str:
    """Upstream's message without ids, links and account names; `otherwise` where nothing is left of it."""
    text = " ".join(_PRIVATE.sub("…", _beginning(message)).split())
    return text[:LONGEST] if text.strip("… .:") else otherwise


def _beginning(message: str) -> str:
    """Without a name that is cut at the end, as half of one might not be known for one."""
    return message if len(message) <= _READ else message[:_READ].rstrip(_OF_NAMES)
