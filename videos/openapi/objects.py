"""The objects in bodies and answers, as JSON Schemas."""

from typing import get_args

from accounts.bucket_findings import NAMES
from accounts.models import Scope, WhenFull
from accounts.quotas.in_force import LIMITS
from config.error_codes import ErrorCode
from videos import catalogue
from videos.api import uploads
from videos.api.shapes import NEW_API_STATUS
from videos.billing.usage import FIGURES
from videos.catalogue import SCENE_TYPES, SWITCH_OWNERS
from videos.listing.order import STATUSES
from videos.openapi.parts import Schema, ref
from videos.requests.media import MAX_VIDEOS
from videos.requests.metadata import INPUT_REGIONS, OUTPUT_FIELDS, PERSON_GENERATIONS, SWITCH_VALUES, SWITCHES
from videos.requests.shots import MAX_SHOTS, REFERENCES
from videos.states import STAGE
from videos.tasks.failures import FailureCode

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {"type": "object", "additionalProperties": True}
MONEY: Schema = {
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    "description": "In the deployment's currency.",
}
UNIX: Schema = {"type": "integer", "description": "Unix time in seconds."}
TASK_ID: Schema = {"type": "string", "pattern": "^task_[0-9a-f]{32}$"}
FILE_ID: Schema = {"type": "string", "pattern": "^file_[0-9a-f]{32}$"}
MODELS = [spec.name for spec in catalogue.MODELS]
RATIOS = list(dict.fromkeys(ratio for spec in catalogue.MODELS for ratio in spec.ratios.allowed))
ERROR_TYPES = (
    *("invalid_request_error", "authentication_error", "permission_error", "not_found_error"),
    *("rate_limit_error", "insufficient_quota", "server_error"),
)


def record(properties: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object that has all of these properties, and perhaps the optional ones."""
    return {
        "type": "object",
        "required": [*properties],
        "properties": {**properties, **(optional or {})},
    }


def nullable(schema: Schema) -> Schema:
    """The schema or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def array(items: Schema) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": items}


def words(*allowed: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": [*allowed]}


def page(item: str) -> Schema:
    """A page of a list."""
    return record(
        {
            "object": words("list"),
            "data": array(ref(item)),
            "first_id": nullable(TEXT),
            "last_id": nullable(TEXT),
            "has_more": FLAG,
        }
    )


# --- requests

_EMPTY: Schema = {
    "description": "Null, an empty text, array or object: counts as absent.",
    "type": ["null", "string", "array", "object"],
    "maxLength": 0,
    "maxItems": 0,
    "maxProperties": 0,
    "items": {},
}
_JSON_TEXT: Schema = {"type": "string", "contentMediaType": "application/json", "minLength": 1}


def _or_empty(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, ref("Empty")]}


SWITCH: Schema = {"anyOf": [words(*SWITCH_VALUES), FLAG]}
_INPUT: Schema = {"type": "string", "maxLength": 4096, "description": "An http(s) URL, or the id of a file."}
_NUMBER_OR_TEXT: Schema = {"anyOf": [WHOLE, {"type": "string", "pattern": "^[0-9]{1,18}$"}]}
_PROMPT: Schema = {
    **TEXT,
    "maxLength": 2000,
    "description": "Needed unless images, videos or shots are given.",
}


def _output(name: str) -> Schema:
    owner = SWITCH_OWNERS.get(name)
    schema = SWITCH if name in SWITCHES else words(*PERSON_GENERATIONS)
    return {**schema, "description": f"Only for {owner}."} if owner else schema


_SHOT = record({"index": _NUMBER_OR_TEXT, "prompt": {**TEXT, "maxLength": 512}, "duration": _NUMBER_OR_TEXT})
_PARAMETERS: Schema = {
    "type": "object",
    "description": "Sent to the model unchanged; these are checked for models with elements and shots.",
    "additionalProperties": True,
    "properties": {
        "element_list": _or_empty({"type": "array", "maxItems": REFERENCES, "items": ANYTHING}),
        "multi_shot": {"description": "`true`: the video has several shots."},
        "shot_type": _or_empty(words("customize")),
        "multi_prompt": _or_empty({"type": "array", "maxItems": MAX_SHOTS, "items": ref("Shot")}),
    },
}
_METADATA_FIELDS: dict[str, Schema] = {
    "negative_prompt": {**TEXT, "description": "What the video should not show."},
    "enhance_prompt": SWITCH,
    "input_region": words(*INPUT_REGIONS),
    "aspect_ratio": words(*RATIOS),
    "scene_type": words(*SCENE_TYPES),
    "SceneType": {**words(*SCENE_TYPES), "description": "Another name of scene_type."},
    "ext_info": {"anyOf": [ref("ExtInfo"), _JSON_TEXT]},
    "ExtInfo": {"anyOf": [ref("ExtInfo"), _JSON_TEXT], "description": "Another name of ext_info."},
    "output_config": ref("OutputConfig"),
    "vidu_q2_object_ids": array({**TEXT, "minLength": 1}),
    "vidu_q2_voice_map": {"type": "object", "additionalProperties": {**TEXT, "minLength": 1}},
}


def _closed(properties: dict[str, Schema]) -> Schema:
    """An object of these properties, any of which may be empty; others must be."""
    return {
        "type": "object",
        "additionalProperties": ref("Empty"),
        "properties": {name: _or_empty(schema) for name, schema in properties.items()},
    }


_SECONDS: Schema = {
    "description": "What each model takes, GET /v1/models/{name} says.",
    "anyOf": [{**WHOLE, "minimum": 1, "maximum": 16}, {"type": "string", "pattern": "^([1-9]|1[0-6])$"}],
}
_SIZE: Schema = {
    "type": "string",
    "pattern": "^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$",
    "description": "WIDTHxHEIGHT: ratio and resolution in other words.",
}
_MAX_COST: Schema = {
    "description": "The most that the video may cost.",
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,20})?$"},
        {"type": "null"},
    ],
}
_IMAGES: Schema = {"type": "array", "maxItems": REFERENCES, "items": _INPUT}
_VIDEOS: Schema = {"type": "array", "maxItems": MAX_VIDEOS, "items": _INPUT}
_CREATE = record(
    {"model": words(*MODELS), "seconds": _SECONDS},
    {
        "prompt": nullable(_PROMPT),
        "images": nullable(_IMAGES),
        "videos": nullable(_VIDEOS),
        "size": _or_empty(_SIZE),
        "metadata": {"anyOf": [ref("Metadata"), _JSON_TEXT, {"type": "null"}, {**TEXT, "maxLength": 0}]},
        "max_cost": _MAX_COST,
    },
)
_FILE: Schema = {"type": "string", "format": "binary"}
_CREATE_FORM = record(
    {"model": words(*MODELS), "seconds": {"type": "string", "pattern": "^([1-9]|1[0-6])$"}},
    {
        "prompt": _PROMPT,
        "images": {**_IMAGES, "description": "URLs, ids of files, or files."},
        "videos": {**_VIDEOS, "description": "URLs, ids of files, or files."},
        "input_reference": {**_FILE, "description": "An image, JPEG or PNG: the first of images."},
        "size": _SIZE,
        "metadata": {**TEXT, "description": "JSON of Metadata; metadata[aspect_ratio] and such work, too."},
        "max_cost": {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,20})?$"},
    },
)

# --- videos

_VIDEO = {
    "id": TASK_ID,
    "task_id": {**TASK_ID, "description": "The same as id."},
    "object": words("video"),
    "model": TEXT,
    "status": words(*STATUSES),
    "progress": {**WHOLE, "minimum": 0, "maximum": 100, "description": "Percent, estimated."},
    "created_at": UNIX,
    "completed_at": nullable(UNIX),
    "expires_at": nullable({**UNIX, "description": "Until when the video is kept."}),
    "seconds": TEXT,
    "size": nullable({**TEXT, "description": "WIDTHxHEIGHT, once it is known."}),
    "prompt": nullable(TEXT),
    "error": nullable(ref("VideoFailure")),
    "metadata": ref("VideoMetadata"),
}
_NEW_API = {
    "code": words("success"),
    "message": TEXT,
    "data": record(
        {
            "task_id": TASK_ID,
            "status": words(*NEW_API_STATUS.values()),
            "url": TEXT,
            "progress": TEXT,
            "fail_reason": TEXT,
        }
    ),
}
_VIDEO_METADATA = record(
    {
        "url": nullable({**TEXT, "description": "A link to the video that needs no key."}),
        "urls": array(TEXT),
        "stage": words(*dict.fromkeys(STAGE.values())),
        "not_forwarded": {**array(TEXT), "description": "Fields of the request without effect, by path."},
    },
    {
        "queue": record({"position": {**WHOLE, "minimum": 1}, "estimated_start": nullable(UNIX)}),
        "result": record({"bucket": TEXT, "region": TEXT, "key": TEXT}),
    },
)
_PRICE = {"currency": TEXT, "per_second": MONEY, "options": array(TEXT)}
_QUOTE = record({"amount": MONEY, **_PRICE, "seconds": WHOLE})
_VALIDATION = record(
    {
        "valid": FLAG,
        "request": {**ANYTHING, "description": "The request in normalised form."},
        "upstream": record({"action": TEXT, "payload": ANYTHING}),
        "not_forwarded": array(TEXT),
        "price": ref("Quote"),
        "admission": record({"admitted": FLAG, "queued": FLAG, "refusals": array(ref("ErrorDetail"))}),
    }
)

# --- models

_CAPABILITIES = record(
    {
        "seconds": array(WHOLE),
        "seconds_with_video": array(WHOLE),
        "version": TEXT,
        "default_version": TEXT,
        "resolution": TEXT,
        "aspect_ratios": array(TEXT),
        "aspect_ratios_with_images": array(TEXT),
        "max_images": WHOLE,
        "images_as_frames": WHOLE,
        "max_videos": WHOLE,
        "scene_types": array(TEXT),
        "family_switches": array(TEXT),
        "subjects": FLAG,
        "elements_and_shots": FLAG,
        "price": array(ref("Price")),
    }
)
_MODEL = record(
    {
        "id": TEXT,
        "object": words("model"),
        "created": UNIX,
        "owned_by": TEXT,
        "capabilities": ref("Capabilities"),
    }
)

# --- files, use and account

_UPLOAD = record({"file": _FILE, "purpose": words(*uploads.PURPOSES)})
_FILE_OBJECT = record(
    {
        "id": FILE_ID,
        "object": words("file"),
        "bytes": WHOLE,
        "created_at": UNIX,
        "expires_at": UNIX,
        "filename": TEXT,
        "purpose": words(*uploads.PURPOSES),
        "status": words("processed"),
    }
)
_FIGURES: dict[str, Schema] = {name: MONEY if name == "spend" else WHOLE for name in FIGURES}
_USAGE_ROW = record(
    _FIGURES,
    {
        "day": {"type": "string", "format": "date"},
        "model": TEXT,
        "api_key": {"anyOf": [record({"id": TEXT, "name": TEXT}), {"type": "null"}]},
    },
)
_USAGE = record(
    {
        "object": words("usage"),
        "start_date": {"type": "string", "format": "date"},
        "end_date": {"type": "string", "format": "date"},
        "time_zone": TEXT,
        "currency": TEXT,
        "data": array(ref("UsageRow")),
        "total": record(_FIGURES),
    }
)


def _limit(name: str) -> Schema:
    if name == "when_full":
        return words(*WhenFull.values)
    return nullable(MONEY if name.startswith("spend") else WHOLE)


_ACCOUNT_KEY = record(
    {
        "name": TEXT,
        "prefix": TEXT,
        "scopes": array(words(*Scope.values)),
        "expires_at": nullable(UNIX),
        "allowed_models": array(TEXT),
        "allowed_networks": array(TEXT),
        "requests_per_minute": nullable(WHOLE),
        "spend_per_month": nullable(MONEY),
    }
)
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_ACCOUNT = record(
    {
        "object": words("account"),
        "name": TEXT,
        "time_zone": TEXT,
        "currency": TEXT,
        "limits": record({name: _limit(name) for name in LIMITS}),
        "use": record(
            {
                "concurrent_tasks": WHOLE,
                "queued_tasks": WHOLE,
                "seconds_today": WHOLE,
                "seconds_this_month": WHOLE,
                "spend_today": MONEY,
                "spend_this_month": MONEY,
                "requests_last_minute": WHOLE,
            }
        ),
        "balance": record({"prepaid": FLAG, "available": nullable(MONEY), "held": MONEY}),
        "resets": record({"day": _MOMENT, "month": _MOMENT}),
        "key": ref("AccountKey"),
    }
)
_FINDING = record({"step": words(*NAMES), "ok": nullable(FLAG), "code": TEXT, "message": TEXT, "fix": TEXT})
_BUCKET_CHECK = record(
    {
        "object": words("bucket_check"),
        "ok": FLAG,
        "checked_at": nullable(UNIX),
        "bucket": TEXT,
        "region": TEXT,
        "findings": array(ref("BucketFinding")),
        "policies": {"type": "object", "additionalProperties": ANYTHING},
    }
)

# --- refusals

_CODE = words(*get_args(ErrorCode))
_ERROR_DETAIL = record(
    {"message": TEXT, "param": nullable(TEXT), "code": _CODE},
    {
        "detail": {**TEXT, "description": "More about it, such as where a text is not valid JSON."},
        "allowed": {"type": "array", "items": {}, "description": "The values that the field takes."},
        "limit": {**TEXT, "description": "The limit that is reached."},
        "value": {"anyOf": [WHOLE, TEXT], "description": "What the limit is."},
        "used": {"anyOf": [WHOLE, TEXT]},
        "retry_at": nullable({**UNIX, "description": "When to retry; null: waiting does not help."}),
    },
)
_ERROR = record(
    {
        "error": record(
            {"message": TEXT, "type": words(*ERROR_TYPES), "param": nullable(TEXT), "code": _CODE}
        ),
        "code": _CODE,
        "message": TEXT,
        "errors": {**array(ref("ErrorDetail")), "minItems": 1},
    }
)


def deleted(kind: str, identity: Schema) -> Schema:
    """The answer to a deletion."""
    return record({"id": identity, "object": words(kind), "deleted": FLAG})


COMPONENTS: dict[str, Schema] = {
    "CreateVideo": _CREATE,
    "CreateVideoForm": _CREATE_FORM,
    "Empty": _EMPTY,
    "Metadata": _closed(_METADATA_FIELDS),
    "OutputConfig": _closed({name: _output(name) for name in OUTPUT_FIELDS if name != "Resolution"}),
    "ExtInfo": {
        "type": "object",
        "additionalProperties": True,
        "properties": {"AdditionalParameters": _or_empty(ref("AdditionalParameters"), _JSON_TEXT)},
    },
    "AdditionalParameters": _PARAMETERS,
    "Shot": _SHOT,
    "Video": record(_VIDEO),
    "NewApiVideo": record({**_VIDEO, **_NEW_API}),
    "VideoMetadata": _VIDEO_METADATA,
    "VideoFailure": record({"code": words(*FailureCode), "message": TEXT}),
    "VideoList": page("Video"),
    "DeletedVideo": deleted("video.deleted", TASK_ID),
    "Validation": _VALIDATION,
    "Quote": _QUOTE,
    "Model": _MODEL,
    "Capabilities": _CAPABILITIES,
    "Price": record(_PRICE),
    "ModelList": record({"object": words("list"), "data": array(ref("Model"))}),
    "ModelSchema": {**ANYTHING, "description": "A JSON Schema (2020-12) of requests for the model."},
    "Upload": _UPLOAD,
    "File": _FILE_OBJECT,
    "FileList": page("File"),
    "DeletedFile": deleted("file", FILE_ID),
    "Usage": _USAGE,
    "UsageRow": _USAGE_ROW,
    "Account": _ACCOUNT,
    "AccountKey": _ACCOUNT_KEY,
    "BucketCheck": _BUCKET_CHECK,
    "BucketFinding": _FINDING,
    "Error": _ERROR,
    "ErrorDetail": _ERROR_DETAIL,
    "OpenAPI": {**ANYTHING, "description": "This document."},
}
