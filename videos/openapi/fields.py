"""Parameters of requests and headers of answers that several routes share."""

from videos.api.paging import DEFAULT_LIMIT, MOST, NEWEST_FIRST, OLDEST_FIRST
from videos.api.parameters import LATEST_SECOND
from videos.openapi.objects import FILE_ID, TASK_ID, TEXT, WHOLE, words
from videos.openapi.parts import Header, Parameter, Schema
from videos.tasks.idempotency import LONGEST_KEY

TASK = Parameter("task_id", TASK_ID, "The id of a video.", "path")
FILE = Parameter("file_id", FILE_ID, "The id of a file.", "path")
LIMIT = Parameter(
    "limit",
    {**WHOLE, "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    "How many are on a page at most.",
)
ORDER = Parameter(
    "order",
    {**words(NEWEST_FIRST, OLDEST_FIRST), "default": NEWEST_FIRST},
    "By time of creation: the newest first or the oldest.",
)
AFTER_TASK: Schema = {"type": "string", "pattern": "^(task_[0-9a-f]{32})?$"}
AFTER_FILE: Schema = {"type": "string", "pattern": "^(file_[0-9a-f]{32})?$"}
DAY: Schema = {"type": "string", "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"}
"""These may be empty, as an empty parameter counts as absent."""
SECOND: Schema = {"type": "integer", "minimum": 0, "maximum": LATEST_SECOND}
LINK = (
    Parameter("expires", TEXT, "Of a signed link."),
    Parameter("signature", TEXT, "Of a signed link, which needs no key."),
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": LONGEST_KEY, "pattern": r"^[\x20-\x7e]*$"},
    "Makes it safe to send the request again within 24 hours: it gets the same answer.",
    "header",
)
IF_NONE_MATCH = Parameter(
    "If-None-Match", TEXT, "The ETag that is known: 304 if it is the current one.", "header"
)

ETAG = Header("etag", TEXT, "The version of the answer.", is_always=True)
CACHE_CONTROL = Header("cache-control", TEXT, "How long the answer may be kept.", is_always=True)
VARY = Header("vary", TEXT, "The headers of the request that the answer depends on.", is_always=True)
DISPOSITION = Header("content-disposition", TEXT, "The name of the file.", is_always=True)
LAST_MODIFIED = Header("last-modified", TEXT, "When the video was finished.", is_always=True)
LENGTH = Header("content-length", WHOLE, "The bytes of the body.", is_always=True)
RATE_LIMIT = (
    Header(
        "x-ratelimit-limit", WHOLE, "Tasks that may be made within any sixty seconds, if there is a limit."
    ),
    Header("x-ratelimit-remaining", WHOLE, "How many more may be made now."),
    Header("x-ratelimit-reset", WHOLE, "Seconds until the next place is free."),
)
REPLAYED = Header("idempotent-replayed", words("true"), "The answer is that of an earlier request.")
POLL_AFTER = Header(
    "openai-poll-after-ms",
    WHOLE,
    "Milliseconds after which to ask again; 0 once the video has ended.",
    is_always=True,
)
