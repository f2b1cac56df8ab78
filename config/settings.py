"""Settings, all from the environment; `make up` provides it, deploy/ and docs/operations.md list it."""

import os
import secrets
import sys
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from common.logs import FORMS as LOG_FORMS
from common.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    return os.environ.get(name, str(int(default))).lower() in {"1", "true", "yes"}


def _list(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


DEBUG = _flag("PLUMBLINE_DEBUG", False)
BASE_URL = os.environ.get("PLUMBLINE_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", "")

SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if BASE_URL.startswith("https://"):
        raise ImproperlyConfigured("SECRET_KEY is not set: give a long random string that stays the same.")
    SECRET_KEY = secrets.token_urlsafe(50)  # sessions last as long as this process

SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS", "")  # earlier keys: what they signed is still good

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "csp",
    "organizations",
    "clusters",
    "compliance",
    "dashboards",
]

MIDDLEWARE = [
    "common.requests.RequestRecords",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboards.middleware.PageHeaders",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboards.middleware.Refusals",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "organizations.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboards.context.frame",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ]
            if not DEBUG
            else [
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
            ],
        },
    }
]

# The application connects as a role that row-level security binds; migrations run as the owner of the tables.
APPLICATION_DATABASE_URL = os.environ.get("DATABASE_URL", "postgres://plumbline_app@127.0.0.1/plumbline")
OWNER_DATABASE_URL = os.environ.get("DATABASE_OWNER_URL", APPLICATION_DATABASE_URL)
APPLICATION_DATABASE = dj_database_url.parse(
    APPLICATION_DATABASE_URL, conn_max_age=60, conn_health_checks=True
)
OWNER_DATABASE = dj_database_url.parse(OWNER_DATABASE_URL)
OWNER_COMMANDS = {"migrate", "sync_library", "sqlmigrate", "showmigrations", "dbshell"}
DATABASES = {
    "default": OWNER_DATABASE if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS else APPLICATION_DATABASE
}
APPLICATION_ROLE = APPLICATION_DATABASE["USER"]

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_TIME_LIMIT = 330
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
CELERY_BEAT_SCHEDULE = {
    "sweep-reports": {"task": "compliance.sweep_reports", "schedule": 15.0},
    "expire-parts": {"task": "clusters.expire_parts", "schedule": 900.0},
    "prune-reports": {"task": "compliance.prune_reports", "schedule": 3600.0},
    "prune-violations": {"task": "compliance.prune_violations", "schedule": 6 * 3600.0},
    "resume-exports": {"task": "organizations.resume_exports", "schedule": 300.0},
    "drop-exports": {"task": "organizations.drop_exports", "schedule": 3600.0},
    "delete-due-organizations": {"task": "organizations.delete_due", "schedule": 3600.0},
}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
PASSWORD_RESET_TIMEOUT = 60 * 60

EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS", False)
EMAIL_FILE_PATH = os.environ.get("EMAIL_FILE_PATH")
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "Plumbline <noreply@localhost>")

SECURE = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("BEHIND_TLS_PROXY", False) else None
TRUSTED_PROXY_COUNT = int(os.environ.get("TRUSTED_PROXY_COUNT", "0"))  # who may write X-Forwarded-For
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "dashboards.errors.forged"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "dashboards.finders.PlotlyFinder",
]
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "organizations.api.authentication.ApiTokenAuthentication",
        "organizations.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "organizations.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_THROTTLE_RATES": {"agent": "600/min"},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Plumbline",
    "VERSION": "1",
    "DESCRIPTION": "Reports in, posture out. Errors have one shape: detail, code, fields.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENUM_NAME_OVERRIDES": {
        "SeverityEnum": ["critical", "high", "medium", "low"],
        "ViolationStatusEnum": "compliance.models.ViolationStatus",
        "ReportStatusEnum": "clusters.models.ReportStatus",
        "ReceiptStatusEnum": "clusters.api.reports.RECEIPT_STATUSES",
    },
}

# Limits of what the agents' API takes in; a body over them gets 413.
REPORT_MAX_COMPRESSED_BYTES = int(os.environ.get("REPORT_MAX_COMPRESSED_BYTES", 32 * 1024 * 1024))
REPORT_MAX_EXPANDED_BYTES = int(os.environ.get("REPORT_MAX_EXPANDED_BYTES", 256 * 1024 * 1024))
# Documents of other engines are parsed whole, YAML among them.
RESULTS_MAX_EXPANDED_BYTES = int(os.environ.get("RESULTS_MAX_EXPANDED_BYTES", 64 * 1024 * 1024))
# How long the body of a report is kept once it was merged (0: not at all), and how long its receipt.
RAW_REPORT_DAYS = int(os.environ.get("RAW_REPORT_DAYS", 7))
RECEIPT_DAYS = int(os.environ.get("RECEIPT_DAYS", 90))
# How many reports, and bytes of them as kept, may wait to be merged: over it a cluster gets 429, everybody 503.
REPORT_BACKLOG_PER_CLUSTER = int(os.environ.get("REPORT_BACKLOG_PER_CLUSTER", 500))
REPORT_BACKLOG_PER_CLUSTER_BYTES = int(os.environ.get("REPORT_BACKLOG_PER_CLUSTER_BYTES", 1024**3))
REPORT_BACKLOG_TOTAL = int(os.environ.get("REPORT_BACKLOG_TOTAL", 50_000))
REPORT_BACKLOG_TOTAL_BYTES = int(os.environ.get("REPORT_BACKLOG_TOTAL_BYTES", 20 * 1024**3))
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# What a form or an import may send in files, all of them together.
UPLOAD_MAX_BYTES = 4 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "common.uploads.UploadQuota",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# Which of the policies that a report names are known: intake is below the layer that knows policies.
REPORT_POLICIES = "compliance.selectors.policies.known_slugs"

# Who may read /metrics: the bearer of the token, or without one whoever asks straight from a private address.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
WORKER_METRICS_PORT = int(os.environ.get("WORKER_METRICS_PORT") or 0)  # 0: a worker answers for itself nowhere

LOG_FORMAT = os.environ.get("LOG_FORMAT", "plain")
if LOG_FORMAT not in LOG_FORMS:
    raise ImproperlyConfigured(f"LOG_FORMAT is “{LOG_FORMAT}”; it is one of {', '.join(LOG_FORMS)}.")
LOGGING = logging_config(form=LOG_FORMAT, level=os.environ.get("LOG_LEVEL", "INFO").upper())
