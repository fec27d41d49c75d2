"""The description of every route and method."""

from dataclasses import replace

from videos import capabilities
from videos.api.content import VARIANTS
from videos.api.models import FORMATS as MODEL_FORMATS
from videos.api.uploads import PURPOSES
from videos.api.usage import FORMATS, MOST_ROWS
from videos.billing.usage import GROUPS, MOST_DAYS
from videos.listing.order import STATUSES
from videos.openapi import examples, fields
from videos.openapi.objects import MODELS, TEXT, words
from videos.openapi.parts import FORM, JSON, Answer, Body, Header, Operation, Parameter, Refused, ref
from videos.openapi.refusals import ALWAYS, WITH_BODY, WITH_KEY, merged

_VIDEOS, _MODELS, _FILES, _ACCOUNT, _ABOUT = "Videos", "Models", "Files", "Account", "About the API"
TAGS = {
    _VIDEOS: "Ask for videos, wait for them, and download them.",
    _MODELS: "What each model takes and costs.",
    _FILES: "Pictures and videos for requests. The routes are 404 where uploads are off.",
    _ACCOUNT: "Limits, use, balance, and the account's own bucket.",
    _ABOUT: "This document.",
}
_MODEL_NAME = words(*MODELS)


def _json(component: str, **shown: object) -> tuple[Body, ...]:
    return (Body(JSON, ref(component), shown),)


def _refused(*tables: Refused) -> Refused:
    return merged(ALWAYS, WITH_KEY, *tables)


# --- creating

_BODIES = (
    Body(JSON, ref("CreateVideo"), examples.REQUESTS),
    Body(FORM, ref("CreateVideoForm")),
)
_ASKING: Refused = {400: ("model_not_found", "max_cost_exceeded")}
_OFFERED: Refused = {503: ("no_upstream_available",)}
_CREATE = Operation(
    name="create_video",
    tag=_VIDEOS,
    summary="Ask for a video",
    description="The three routes for this are the same.",
    parameters=(fields.IDEMPOTENCY_KEY,),
    bodies=_BODIES,
    answers={
        200: Answer(
            "The video, which waits for its turn.",
            _json("Video", queued=examples.QUEUED),
            (*fields.RATE_LIMIT, fields.REPLAYED),
        )
    },
    refused=_refused(
        WITH_BODY,
        _ASKING,
        _OFFERED,
        {
            422: ("idempotency_key_reused",),
            429: ("concurrency_limit_exceeded", "insufficient_quota"),
        },
    ),
)
_VALIDATE = Operation(
    name="validate_video",
    tag=_VIDEOS,
    summary="See what would become of a request",
    description="Creates, holds and counts nothing.",
    bodies=_BODIES,
    answers={200: Answer("The request is valid.", _json("Validation", valid=examples.VALIDATION))},
    refused=_refused(WITH_BODY, _ASKING, _OFFERED),
)

# --- reading and removing

_NO_TASK: Refused = {404: ("task_not_exist",)}
_READ = Operation(
    name="get_video",
    tag=_VIDEOS,
    summary="Read a video's status",
    parameters=(fields.TASK, fields.IF_NONE_MATCH),
    answers={
        200: Answer(
            "The video.",
            _json("Video", queued=examples.QUEUED, completed=examples.VIDEO, failed=examples.FAILED),
            (fields.POLL_AFTER, fields.ETAG, fields.CACHE_CONTROL, fields.VARY),
        ),
        304: Answer("The video is as it was.", headers=(fields.POLL_AFTER, fields.ETAG)),
    },
    refused=_refused(_NO_TASK),
)
_READ_NEW_API = replace(
    _READ,
    name="get_video_generation",
    description="With the keys that new-api's clients read.",
    answers={
        **_READ.answers,
        200: replace(_READ.answers[200], bodies=_json("NewApiVideo", completed=examples.NEW_API)),
    },
)
_REMOVE = Operation(
    name="delete_video",
    tag=_VIDEOS,
    summary="Cancel or delete a video",
    description="Cancels a video that waits, which stays readable; deletes one that has ended.",
    parameters=(fields.TASK,),
    answers={200: Answer("It is done.", _json("DeletedVideo", deleted=examples.DELETED_VIDEO))},
    refused=_refused(_NO_TASK, {409: ("video_in_progress",)}),
)
_REMIX = Operation(
    name="remix_video",
    tag=_VIDEOS,
    summary="Not supported: says what to use instead",
    description="OpenAI's remix. Create a new video with the finished one in `videos`.",
    parameters=(fields.TASK,),
    answers={},
    refused=_refused(_NO_TASK),
)
_LIST = Operation(
    name="list_videos",
    tag=_VIDEOS,
    summary="List videos",
    parameters=(
        Parameter("after", fields.AFTER_TASK, "The id of the video that the page begins after."),
        fields.LIMIT,
        fields.ORDER,
        Parameter("status", words(*STATUSES), "Only videos with this status."),
        Parameter("model", _MODEL_NAME, "Only videos of this model."),
        Parameter("created_after", fields.SECOND, "Only videos created then or later, in Unix seconds."),
        Parameter("created_before", fields.SECOND, "Only videos created before, in Unix seconds."),
    ),
    answers={200: Answer("A page of videos.", _json("VideoList", page=examples.VIDEOS))},
    refused=_refused({400: ("model_not_found",)}),
)
_OF_CONTENT = (
    fields.ETAG,
    fields.LAST_MODIFIED,
    fields.CACHE_CONTROL,
    fields.VARY,
)
_MP4 = {"type": "string", "format": "binary"}
_CONTENT = Operation(
    name="get_video_content",
    tag=_VIDEOS,
    summary="Download a video or its thumbnail",
    parameters=(
        fields.TASK,
        Parameter("variant", {**words(*VARIANTS), "default": VARIANTS[0]}, "The MP4, or its still as WebP."),
        *fields.LINK,
        Parameter("Range", TEXT, "`bytes=0-1023`: a part of the video.", "header"),
        Parameter("If-Range", TEXT, "The ETag for which the range is meant.", "header"),
        fields.IF_NONE_MATCH,
        Parameter("If-Modified-Since", TEXT, "304 if the video is not newer.", "header"),
        Parameter("If-Match", TEXT, "412 if the video has another ETag.", "header"),
        Parameter("If-Unmodified-Since", TEXT, "412 if the video is newer.", "header"),
    ),
    answers={
        200: Answer(
            "The whole video, or its thumbnail.",
            (Body("video/mp4", _MP4), Body("image/webp", _MP4)),
            (*_OF_CONTENT, fields.DISPOSITION),
        ),
        206: Answer(
            "A part of the video.",
            (Body("video/mp4", _MP4),),
            (*_OF_CONTENT, Header("content-range", TEXT, "Which part it is.", is_always=True)),
        ),
        302: Answer(
            "The video is where `location` leads.",
            headers=(Header("location", TEXT, "A link to the video in its bucket.", is_always=True),),
        ),
        304: Answer("The video is the one that is known.", headers=_OF_CONTENT),
    },
    refused=_refused(
        _NO_TASK,
        {
            409: ("video_not_ready", "video_in_your_bucket"),
            410: ("video_expired",),
            412: ("precondition_failed",),
            416: ("invalid_range",),
            503: ("store_unavailable",),
        },
    ),
    security=("key", "link"),
)

# --- models

_MODEL = Operation(
    name="get_model",
    tag=_MODELS,
    summary="What a model takes and costs",
    description="With `format=schema` or `Accept: application/schema+json` the JSON Schema of its requests.",
    parameters=(
        Parameter("name", {**TEXT, "examples": MODELS[:1]}, "The name of a model, in any case.", "path"),
        Parameter("format", words(*MODEL_FORMATS), "Goes before the header Accept."),
    ),
    answers={
        200: Answer(
            "The model.",
            (
                *_json("Model", model=examples.MODEL),
                Body(capabilities.MEDIA_TYPE, ref("ModelSchema"), {"schema": examples.MODEL_SCHEMA}),
            ),
            (fields.VARY,),
        )
    },
    refused=_refused({404: ("model_not_found",)}),
)
_LIST_MODELS = Operation(
    name="list_models",
    tag=_MODELS,
    summary="The models that the key may use",
    answers={200: Answer("All of them.", _json("ModelList", models=examples.MODELS))},
    refused=_refused(),
)

# --- files

_NO_FILE: Refused = {404: ("file_not_exist", "not_found")}
_NO_ROUTE: Refused = {404: ("not_found",)}
_UPLOAD = Operation(
    name="upload_file",
    tag=_FILES,
    summary="Upload a picture or a video",
    description=f"JPEG, PNG, MP4 or MOV, for the purpose `{PURPOSES[0]}`.",
    bodies=(Body(FORM, ref("Upload")),),
    answers={200: Answer("The file.", _json("File", file=examples.FILE))},
    refused=_refused(WITH_BODY, _NO_ROUTE, {429: ("insufficient_quota",), 503: ("store_unavailable",)}),
)
_LIST_FILES = Operation(
    name="list_files",
    tag=_FILES,
    summary="List files",
    parameters=(
        Parameter("after", fields.AFTER_FILE, "The id of the file that the page begins after."),
        fields.LIMIT,
        fields.ORDER,
        Parameter("purpose", words(*PURPOSES), "Only files for this purpose, which all files have."),
    ),
    answers={200: Answer("A page of files.", _json("FileList", page=examples.FILES))},
    refused=_refused(_NO_ROUTE),
)
_FILE = Operation(
    name="get_file",
    tag=_FILES,
    summary="Read a file's name, size and times",
    parameters=(fields.FILE,),
    answers={200: Answer("The file.", _json("File", file=examples.FILE))},
    refused=_refused(_NO_FILE),
)
_REMOVE_FILE = Operation(
    name="delete_file",
    tag=_FILES,
    summary="Delete a file",
    parameters=(fields.FILE,),
    answers={200: Answer("It is gone.", _json("DeletedFile", deleted=examples.DELETED_FILE))},
    refused=_refused(_NO_FILE, {409: ("file_in_use",)}),
)
_MEDIA_TYPES = ("image/jpeg", "image/png", "video/mp4", "video/quicktime")
_FILE_CONTENT = Operation(
    name="get_file_content",
    tag=_FILES,
    summary="Download a file as it was sent",
    parameters=(fields.FILE, *fields.LINK),
    answers={
        200: Answer(
            "The bytes.",
            tuple(Body(media_type, _MP4) for media_type in _MEDIA_TYPES),
            (fields.LENGTH, fields.DISPOSITION, fields.CACHE_CONTROL),
        )
    },
    refused=_refused(_NO_FILE, {503: ("store_unavailable",)}),
    security=("key", "link"),
)

# --- the account

_USAGE = Operation(
    name="get_usage",
    tag=_ACCOUNT,
    summary="Use and spend by day, model and key",
    parameters=(
        Parameter("start_date", fields.DAY, f"The first day; at most {MOST_DAYS} days before end_date."),
        Parameter("end_date", fields.DAY, "The last day; today by default."),
        Parameter(
            "group_by",
            {"type": "array", "items": words(*GROUPS)},
            "What to sum by; `day` by default. Separated by commas or repeated.",
            style={"style": "form", "explode": False},
        ),
        Parameter("model", _MODEL_NAME, "Only use of this model."),
        Parameter(
            "api_key",
            {"type": "string", "pattern": "^[0-9A-Za-z_]{0,16}$"},
            "Only that of the key with this prefix.",
        ),
        Parameter("format", words(*FORMATS), "Goes before the header Accept."),
    ),
    answers={
        200: Answer(
            f"The use; JSON has at most {MOST_ROWS} rows, CSV all.",
            (
                *_json("Usage", usage=examples.USAGE),
                Body("text/csv; charset=utf-8", TEXT, {"usage": examples.USAGE_AS_CSV}),
            ),
        )
    },
    refused=_refused({400: ("model_not_found",)}),
)
_OWN_ACCOUNT = Operation(
    name="get_account",
    tag=_ACCOUNT,
    summary="Limits, use and balance",
    answers={200: Answer("The account of the key.", _json("Account", account=examples.ACCOUNT))},
    refused=_refused(),
)
_CHECK_BUCKET = Operation(
    name="check_bucket",
    tag=_ACCOUNT,
    summary="Check the account's own bucket",
    description="Writes, reads, lists and deletes a small object in it. The key needs the scope `manage`.",
    answers={200: Answer("What was found.", _json("BucketCheck", check=examples.BUCKET_CHECK))},
    refused=_refused({404: ("bucket_not_set",)}),
)
_DOCUMENT = Operation(
    name="get_openapi",
    tag=_ABOUT,
    summary="This document",
    parameters=(fields.IF_NONE_MATCH,),
    answers={
        200: Answer("The document.", _json("OpenAPI"), (fields.ETAG, fields.CACHE_CONTROL)),
        304: Answer("The document is as it was.", headers=(fields.ETAG,)),
    },
    refused=ALWAYS,
    security=(),
)


def _at(name: str, operation: Operation) -> Operation:
    return replace(operation, name=name)


ROUTES: dict[str, dict[str, Operation]] = {
    "/v1/videos": {"POST": _CREATE, "GET": _LIST},
    "/v1/videos/generations": {"POST": _at("create_videos_generation", _CREATE)},
    "/v1/video/generations": {"POST": _at("create_video_generation", _CREATE)},
    "/v1/videos/validate": {"POST": _VALIDATE},
    "/v1/videos/{task_id}": {"GET": _READ, "DELETE": _REMOVE},
    "/v1/videos/generations/{task_id}": {
        "GET": _at("get_videos_generation", _READ),
        "DELETE": _at("delete_videos_generation", _REMOVE),
    },
    "/v1/video/generations/{task_id}": {
        "GET": _READ_NEW_API,
        "DELETE": _at("delete_video_generation", _REMOVE),
    },
    "/v1/videos/{task_id}/content": {"GET": _CONTENT},
    "/v1/videos/{task_id}/remix": {"POST": _REMIX},
    "/v1/videos/generations/{task_id}/remix": {"POST": _at("remix_videos_generation", _REMIX)},
    "/v1/video/generations/{task_id}/remix": {"POST": _at("remix_video_generation", _REMIX)},
    "/v1/files": {"POST": _UPLOAD, "GET": _LIST_FILES},
    "/v1/files/{file_id}": {"GET": _FILE, "DELETE": _REMOVE_FILE},
    "/v1/files/{file_id}/content": {"GET": _FILE_CONTENT},
    "/v1/models": {"GET": _LIST_MODELS},
    "/v1/models/{name}": {"GET": _MODEL},
    "/v1/usage": {"GET": _USAGE},
    "/v1/account": {"GET": _OWN_ACCOUNT},
    "/v1/account/bucket/check": {"POST": _CHECK_BUCKET},
    "/v1/openapi.json": {"GET": _DOCUMENT},
}
"""The operations by path and method. HEAD works wherever GET does, without a body."""
