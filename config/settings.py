"""All settings, from the environment or a `.env` file; an empty environment runs a development machine.

Every variable is described in `.env.example`.
"""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from corsheaders.defaults import default_headers
from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key
from django.templatetags.static import static

from config import local_secrets, logs, postgres
from config.environment import BadSettingError, Environment, is_fernet_key

os.umask(0o077)  # logs, results and DATA_DIR are readable only by us
django_stubs_ext.monkeypatch()  # makes Django's generic classes subscriptable in annotations

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment.with_file(BASE_DIR / ".env")

DATA_DIR = env.folder("DATA_DIR", default=BASE_DIR / ".data")
"""Where a machine without configuration keeps its database, its secrets and its videos."""

_MOST_DAYS, _MOST_THREADS = 36_500, 1000

# --- the site

DEBUG = env.switch("DEBUG", default=False)
PUBLIC_URL = env.origin("PUBLIC_URL")
"""Our public address, such as https://video.example.com; if empty, links use the host of each request."""
BEHIND_TLS_PROXY = env.switch("BEHIND_TLS_PROXY", default=False)
"""Whether a proxy in front terminates TLS and sets X-Forwarded-Proto."""
SERVED_WITH_TLS = PUBLIC_URL.startswith("https://")


def _kept(name: str, new: str, is_good: Callable[[str], bool]) -> str:
    """The secret in that file of DATA_DIR."""
    try:
        secret = local_secrets.kept(DATA_DIR / name, new)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettingError(
            "DATA_DIR", f"is {str(DATA_DIR)!r}", f"secrets must be kept there; {error}"
        ) from None
    if not is_good(secret):
        raise BadSettingError("DATA_DIR", f"is {str(DATA_DIR)!r}", f"its file {name} is damaged; restore it")
    return secret


SECRET_KEY_GENERATED = not env.text("SECRET_KEY", default="")
SECRET_KEY = env.text("SECRET_KEY", default="") or _kept("secret_key", get_random_secret_key(), bool)
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS")
"""Former secret keys: signatures made with them stay valid until they are removed here."""
ENCRYPTION_KEYS_GENERATED = not env.fernet_keys("ENCRYPTION_KEYS")
ENCRYPTION_KEYS = env.fernet_keys("ENCRYPTION_KEYS") or [
    _kept("encryption_key", Fernet.generate_key().decode(), is_fernet_key)
]
"""Fernet keys for secrets at rest: the first encrypts, all decrypt; see `manage.py reencrypt`."""

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
if PUBLIC_URL:
    ALLOWED_HOSTS.append(urlsplit(PUBLIC_URL).hostname or "")
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the theme, without its site: ours is below
    "unfold.contrib.filters",
    "config.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "rest_framework",
    "django_htmx",
    "csp",
    "axes",
    "django_otp",
    "corsheaders",
    "drf_spectacular_sidecar",  # the assets of the page about the API
    "config.apps.ConfigurationConfig",
    "accounts",
    "videos",
]
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "videos.dialects.tencent.middleware.SignedApiMiddleware",
    "config.middleware.EmptyRefusalsMiddleware",
    "config.middleware.HealthMiddleware",
    "config.compression.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.MethodsMiddleware",
    "config.middleware.PlainBodiesMiddleware",
    "config.middleware.ReadableTextMiddleware",
    "config.middleware.PictureFormsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.people.hashing.BusyMiddleware",
    "config.middleware.PagesMiddleware",
]
PAGES_MIDDLEWARE = [
    "accounts.console.addresses.KeysInAddressesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.ConsolePolicyMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.ViewerTimeZoneMiddleware",
    "videos.error_pages.RefusedMethodsMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.people.seen.SeenMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.WholePageLogInMiddleware",
    "axes.middleware.AxesMiddleware",
]
"""Middleware for pages only, so that the API stays fast. Its view and exception hooks are not called."""
# These checks look in MIDDLEWARE for what is in PAGES_MIDDLEWARE.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410", "axes.W002"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]
WSGI_APPLICATION = "config.wsgi.application"

# --- browsers on other sites

CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
"""Sites whose pages may call the API, such as https://app.example; none by default."""
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.common.CommonMiddleware"), "corsheaders.middleware.CorsMiddleware"
    )
_CONDITIONS = ("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since")
_OF_OPENAI = [
    f"x-stainless-{name}"
    for name in (
        *("arch", "async", "custom-poll-interval", "helper-method", "lang", "os", "package-version"),
        *("poll-helper", "retry-count", "runtime", "runtime-version", "timeout"),
    )
]
"""Headers that OpenAI's SDKs send about themselves."""
CORS_URLS_REGEX = r"^/v1/"
CORS_ALLOW_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", *_CONDITIONS, "range", *_OF_OPENAI)
CORS_EXPOSE_HEADERS = (
    *("x-request-id", "retry-after", "x-should-retry", "idempotent-replayed", "openai-poll-after-ms"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    *("etag", "accept-ranges", "content-range", "content-disposition"),
)

# --- the database

EMBEDDED_POSTGRES = None if env.text("DATABASE_URL", default="") else DATA_DIR / "postgres"
"""The folder of the embedded server, or None if DATABASE_URL names a server."""
_DATABASE = env.database("DATABASE_URL", default=postgres.url(DATA_DIR / "postgres"))
_TIMEOUTS = {
    "connect_timeout": 4,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}
"""Seconds, unless noted: let a connection to a dead server fail. DATABASE_URL may override them."""
DATABASES = {
    "default": {
        **_DATABASE,
        "CONN_MAX_AGE": 600,  # seconds; plans of prepared statements are made anew then
        "CONN_HEALTH_CHECKS": True,
        # Prepare the statements of `config.db.prepared` at once; Django's own are never prepared.
        "OPTIONS": {**_TIMEOUTS, **_DATABASE.get("OPTIONS", {}), "prepare_threshold": 0},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
"""Per process; it counts the mails sent, for their rate limits."""
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SERVED_WITH_TLS or BEHIND_TLS_PROXY
SECURE_SSL_REDIRECT = SERVED_WITH_TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SERVED_WITH_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SERVED_WITH_TLS
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

SESSION_ENGINE = "accounts.people.sessions"
PASSWORD_HASHERS = ["accounts.people.hashing.PooledHasher"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "accounts.people.backends.CodeBackend",
]
CSRF_FAILURE_VIEW = "videos.error_pages.csrf_failed"
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "people:log-in", "people:home", "people:log-in"
PASSWORD_RESET_TIMEOUT = 3600
"""Seconds that a password reset link works."""
INVITATION_DAYS = env.whole("INVITATION_DAYS", default=7, least=1, most=_MOST_DAYS)
"""How long an invitation link works."""
AXES_FAILURE_LIMIT = "accounts.people.lockout.failure_limit"
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "accounts.networks.of_request"
AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "accounts.people.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next", "code"]
AXES_SENSITIVE_PARAMETERS += ["old_password", "new_password1", "new_password2"]
"""Not stored for failed log-ins; `next` may be the link of an invitation."""
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # the page of people unlocks them
OTP_TOTP_ISSUER = "Reelay"
STAFF_TOTP_REQUIRED = env.switch("STAFF_TOTP_REQUIRED", default=False)
"""Whether staff need a second factor to enter the console."""
vars().update(env.email("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.address("DEFAULT_FROM_EMAIL", default="Reelay <reelay@localhost>")
"""The sender of mail, which is printed to the terminal unless EMAIL_URL names a server."""

# --- what pages may load

MEDIA_ORIGINS = env.origins("MEDIA_ORIGINS")
"""Other origins from which pages may play videos, if `RESULTS_URL` or `BUCKET_URL` names an endpoint."""
_BUCKETS = ("https://*.myqcloud.com", "https://*.amazonaws.com")
"""Where links to videos in buckets lead unless a URL names another endpoint."""
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", *MEDIA_ORIGINS, *_BUCKETS],
        "media-src": ["'self'", *MEDIA_ORIGINS, *_BUCKETS],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
CONSOLE_SECURITY_POLICY = {
    "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}
"""Added for the console, whose theme evaluates the directives in its templates."""
UNFOLD = {
    "SITE_TITLE": "Reelay",
    "SITE_HEADER": "Reelay",
    "SITE_ICON": lambda request: static("reelay/icon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("reelay/icon.svg")}],
    "SITE_URL": "/",
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda request: static("reelay/reelay.css"), lambda request: static("reelay/console.css")],
    "SCRIPTS": [
        lambda request: static("reelay/reelay.js"),
        lambda request: static("reelay/drafts.js"),
        lambda request: static("reelay/console.js"),
    ],
    "DASHBOARD_CALLBACK": "videos.console.dashboard.context",
    "ACCOUNT": {"navigation": "videos.console.navigation.own_pages"},
    "SIDEBAR": {"show_search": True, "navigation": "videos.console.navigation.items"},
}
CONSOLE_SEARCH = "videos.console.search.page"
"""The view of the console's search (`config.console.site`)."""

# --- files

STATIC_URL = "static/"
STATIC_ROOT = (
    str(env.folder("STATIC_ROOT", default=BASE_DIR, is_written=False))
    if env.text("STATIC_ROOT", default="")
    else None
)
"""Where collectstatic puts static files; if it is not set, they are served from the packages."""
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
SITE_ROOT = env.folder("SITE_ROOT", default=BASE_DIR / ".site", is_written=False)
"""Where `make site` put the documentation, which is served at /docs/."""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
RESULTS_URL = env.store(
    "RESULTS_URL", default=env.folder("RESULTS_DIR", default=DATA_DIR / "results").absolute().as_uri()
)
"""Where finished videos are kept; see `config.stores`."""
RESULTS_KEY_ID = env.text("RESULTS_KEY_ID", default="")
RESULTS_SECRET_KEY = env.text("RESULTS_SECRET_KEY", default="")
"""The key pair for that bucket, if it is one."""
CONTENT_DELIVERY = env.choice("CONTENT_DELIVERY", default="redirect", of=("redirect", "proxy"))
"""Whether clients are sent to a bucket by signed links, or get videos through Reelay."""
LEAST_FREE_DISK_MB = env.whole("LEAST_FREE_DISK_MB", default=500, least=0, most=10**9)
"""MiB: with less free for videos or the embedded database, /readyz fails and nothing is submitted."""
RESULT_HOSTS = env.host_patterns(
    "RESULT_HOSTS",
    # Tencent's storage under its old and its new name, VOD's default domains (under the first), and VOD's
    # others. Not all domains of the company: the fewer there are, the less a forged link can reach.
    default=["*.myqcloud.com", "*.tencentcos.cn", "*.vod-qcloud.com"],
)
"""Where finished videos may be fetched from, besides an upstream account's own host and a tenant's bucket.

Hosts named exactly may have private addresses, those that match a wildcard only public ones.
"""
RESULT_FETCH_SECONDS = env.number("RESULT_FETCH_SECONDS", default=3600.0, most=24 * 3600)
"""How long one download of a finished video may take."""
RESULT_LEAST_RATE = env.whole("RESULT_LEAST_RATE", default=10 * 1024, least=0, most=10**9)
"""Bytes a second that a download must bring, over any 30 seconds; 0 is no limit."""
RESULT_MAX_BYTES = env.whole("RESULT_MAX_BYTES", default=4 * 1024**3, least=1, most=10**15)
"""The largest video that is kept, far larger than any model's."""
READY_CHECKS = {"room": "videos.results.room.check"}
"""Further checks of /readyz by name: functions that raise `config.health.NotReadyError`."""
RESULT_RETENTION_DAYS = env.whole("RESULT_RETENTION_DAYS", default=30, least=1, most=_MOST_DAYS)
"""How long the platform keeps a finished video."""
EXPIRY_NOTICE_DAYS = env.whole("EXPIRY_NOTICE_DAYS", default=0, least=0, most=_MOST_DAYS)
"""How many days before the platform's copy of a video goes its tenant is told by mail; 0 is never."""
TASK_RETENTION_DAYS = env.whole("TASK_RETENTION_DAYS", default=0, least=0, most=_MOST_DAYS)
"""Days after its end until `manage.py prune` deletes a task's request and events; 0 is never."""
LINK_LIFE_SECONDS = env.whole("LINK_LIFE_SECONDS", default=24 * 3600, least=1, most=_MOST_DAYS * 24 * 3600)
"""How long a signed link to a finished video works; each read of the task renews it."""

UPLOADS = env.switch("UPLOADS", default=True)
"""Whether files may be uploaded, for use in requests."""
CHECK_INPUTS = env.switch("CHECK_INPUTS", default=False)
"""Whether the images and videos that a request names by URL are looked at before a task is made of it."""
CHECK_INPUTS_SECONDS = env.number("CHECK_INPUTS_SECONDS", default=4.0, most=6)
"""How long that may take for all of a request together; a request has 8 s in its thread."""
INPUT_HOSTS = env.host_patterns("INPUT_HOSTS", default=[])
"""Hosts of inputs that may have private addresses; all others must have public ones."""
FILES_RETENTION_DAYS = env.whole("FILES_RETENTION_DAYS", default=30, least=1, most=_MOST_DAYS)
"""How long an uploaded file is kept; longer while a task that has not ended uses it."""
FILES_BYTES_PER_TENANT = env.whole("FILES_BYTES_PER_TENANT", default=5 * 1024**3, least=0, most=10**18)
"""How many bytes of uploaded files a tenant may keep; 0 refuses all."""
FILE_LINK_SECONDS = env.whole("FILE_LINK_SECONDS", default=24 * 3600, least=60, most=7 * 24 * 3600)
"""How long the link to a file works that upstream is sent; most buckets make none for longer than a week."""

# --- the API

MAX_BODY_BYTES = 1024 * 1024
"""The largest request body the API accepts (contract section 5)."""
MAX_FORM_BYTES = 32 * 1024 * 1024
"""The largest form with files that asks for a video; its other fields are limited as any body."""
MAX_UPLOAD_BYTES = 201 * 1024 * 1024
"""The largest body of an upload: the largest file and a mebibyte for the rest of its form."""
MAX_PICTURE_FORM_BYTES = 11 * 1024 * 1024
"""The largest form of a page with a picture."""
FILE_UPLOAD_HANDLERS = ["videos.composer.pictures.PictureHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
API_THREADS = env.whole("API_THREADS", default=16, least=1, most=_MOST_THREADS)
"""Requests one web process works on at a time, each with a database connection of its own."""
LANE = env.switch("LANE", default=True)
"""Whether plain creates, status reads and lists that wait at the same moment are served together."""
LANES = "videos.lane.lanes.Lanes"
"""The class that serves them."""
SIGNED_API_WORDS = "videos.dialects.tencent.answers.reworded"
"""The function that puts refusals of the edge in the words of the API whose requests are signed."""
LANE_SHOWN = env.switch("LANE_SHOWN", default=False)
"""Whether their responses have the header `x-reelay-lane`; for tests."""
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "videos.api.errors.answer_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "videos.openapi.inspector.RouteSchema",  # only `manage.py openapi` loads it
}

# --- tenants and money

CURRENCY = env.code("CURRENCY", default="CNY")
"""The currency of all prices and balances; it must never be changed later."""
DEFAULT_TENANT_TIME_ZONE = env.time_zone("DEFAULT_TENANT_TIME_ZONE", default="UTC")
"""The time zone of new tenants, in whose days and months their limits are counted."""
DEFAULT_QUOTA = env.quota("DEFAULT_QUOTA")
"""Limits of tenants without their own quota, by field name."""
OTHER_REQUESTS_PER_MINUTE = env.whole("OTHER_REQUESTS_PER_MINUTE", default=60_000, least=0, most=10**9)
"""Requests per minute of one key to one web process, besides tasks created; 0 is no limit."""
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", default=0, least=0, most=100)
"""How many proxies in front add the address they see to X-Forwarded-For."""
CONNECTIONS_PER_ADDRESS = env.whole(
    "CONNECTIONS_PER_ADDRESS", default=0 if TRUSTED_PROXIES else 256, least=0, most=10**6
)
"""Connections that one web process keeps open for one address; 0 is no limit."""
HTTP_2 = env.switch("HTTP_2", default=False)
"""Whether HTTP/2 is accepted besides HTTP/1.1."""

# --- upstream and the worker

DEFAULT_UPSTREAM_ENDPOINTS = {
    "mps": "https://mps.tencentcloudapi.com",
    "vod": "https://vod.tencentcloudapi.com",
}
"""The API endpoint of a new upstream account, by its product."""
DEFAULT_UPSTREAM_ENDPOINT = DEFAULT_UPSTREAM_ENDPOINTS["mps"]
"""That of the product which a new account has unless another is chosen."""
DEFAULT_MOST_OPEN_TASKS = {"vod": 1}
"""How many tasks a new upstream account may run at a time, by its product; others have no limit."""
UPSTREAM_CREATE_TIMEOUT = env.number("UPSTREAM_CREATE_TIMEOUT", default=30.0, most=3600)
"""Seconds to wait for the response to a paid create; after that, its outcome is in doubt."""
UPSTREAM_DESCRIBE_TIMEOUT = env.number("UPSTREAM_DESCRIBE_TIMEOUT", default=10.0, most=3600)
"""Seconds to wait for the response to a query."""
WHEN_NO_UPSTREAM = env.choice("WHEN_NO_UPSTREAM", default="refuse", of=("refuse", "queue"))
"""Whether a create is refused while no upstream account works for it, or waits in the queue."""
BUCKET_URL = env.store(
    "BUCKET_URL", default="cos://{bucket}/?region={region}", filled={"bucket": "x-1", "region": "x-y"}
)
"""How tenants' buckets are reached, as the URL of a store with {bucket} and {region} to be filled in."""
ASSUME_ROLE = "videos.results.roles.assume"
"""The function that gets temporary keys of a role (`accounts.bucket_access`)."""
BUCKET_EVIDENCE = "videos.results.bucket.has_video"
"""The function that says whether a tenant has a video in a bucket (`accounts.bucket_check`)."""
MODEL_FAMILIES = "videos.catalogue.families"
"""The function that names the models by family (`accounts.pages.model_picker`)."""
UPSTREAM_UIN = env.digits("UPSTREAM_UIN")
"""The number of the upstream account at the provider, for the policies of tenants' buckets."""
STS_SECRET_ID = env.text("STS_SECRET_ID", default="")
STS_SECRET_KEY = env.text("STS_SECRET_KEY", default="")
"""The platform's key pair that may assume tenants' roles; roles do not work without it."""
STS_ENDPOINT = env.origin("STS_ENDPOINT") or "https://sts.tencentcloudapi.com"
"""Where roles are assumed."""
RESULT_FETCHES = env.whole("RESULT_FETCHES", default=16, least=1, most=1000)
"""Results that one worker fetches at a time."""
TASK_DEADLINE_HOURS = env.number("TASK_DEADLINE_HOURS", default=4.0, most=_MOST_DAYS * 24)
"""A task that runs longer is shown to staff; it stays open, since upstream may still finish it."""
IN_DOUBT_RELEASE_HOURS = env.number("IN_DOUBT_RELEASE_HOURS", default=48.0, most=_MOST_DAYS * 24)
"""A submission without a response is given up after this, unless evidence or a person decided it."""
WORKER_THREADS = env.whole("WORKER_THREADS", default=8, least=1, most=_MOST_THREADS)
"""Database connections that one worker process works with."""
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
"""Only `manage.py worker` loads the jobs: their HTTP clients take 10 MiB."""
SHUTDOWN_SECONDS = env.number("SHUTDOWN_SECONDS", default=UPSTREAM_CREATE_TIMEOUT + 30, most=7200)
"""A worker that is told to stop ends after this at the latest."""
WORKER_LAST_SECONDS = 5.0
"""Of those, what is reserved for cleaning up after the running steps."""
PROCRASTINATE_WORKER_DEFAULTS: dict[str, Any] = {
    "concurrency": env.whole("WORKER_CONCURRENCY", default=64, least=1, most=10_000),
    "fetch_job_polling_interval": 1.0,
    # Longer than the longest step (waiting for its rate limit slot, the call, recording the outcome), so that
    # a running step is finished and not cancelled.
    "shutdown_graceful_timeout": max(SHUTDOWN_SECONDS - WORKER_LAST_SECONDS, 0.0),
    "delete_jobs": "successful",
}

# --- logs

LOGGING = logs.configuration(
    level=env.level("LOG_LEVEL", default="INFO"),
    as_json=env.switch("LOG_JSON", default=not sys.stderr.isatty()),
)
