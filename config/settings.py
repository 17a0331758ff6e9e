"""All settings, from the environment. Secure by default; a wrong value stops the start with a sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environ import Env
from kombu import Queue

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(environment.text("CATALOG_VAR", str(BASE_DIR / "var"))).absolute()
_TIERS = ("none", "discover", "metadata", "profile")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MOST_DAYS = 36_500


def encryption_keys() -> list[str]:
    keys = environment.listed("CATALOG_ENCRYPTION_KEYS", [])
    if not keys:
        raise ImproperlyConfigured(
            "Set CATALOG_ENCRYPTION_KEYS: Fernet keys, newest first, separated by commas. They encrypt source credentials."
        )
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                "CATALOG_ENCRYPTION_KEYS holds something that is no Fernet key: 32 bytes in URL-safe base64."
            ) from None
    return keys


def database(variable: str) -> dict[str, Any]:
    """The database of an address: DATABASE_URL, or DATABASE_OWNER_URL for the commands that change the schema."""
    usage = "the PostgreSQL database, as postgres://user:password@host:5432/name"
    environment.required(variable, usage)
    # What the reader says of a wrong address may quote the password.
    unreadable = ImproperlyConfigured(f"{variable} cannot be read. Allowed: {usage}.")
    try:
        parsed: dict[str, Any] = Env().db_url(variable, engine="django.db.backends.postgresql")
    except Exception:
        raise unreadable from None
    if not os.environ[variable].startswith(("postgres://", "postgresql://")) or not parsed["NAME"]:
        raise unreadable
    options = parsed.setdefault("OPTIONS", {})
    options.setdefault("application_name", "catalog")
    parsed["CONN_MAX_AGE"] = 60
    parsed["CONN_HEALTH_CHECKS"] = True
    parsed["TEST"] = {
        "NAME": environment.text("TEST_DATABASE_NAME") or None,
        "TEMPLATE": environment.text("TEST_DATABASE_TEMPLATE") or None,
    }
    return parsed


def email() -> dict[str, Any]:
    """The mail server of EMAIL_URL; nothing is mailed without it. Mail crosses a network by TLS, unless told otherwise."""
    url = environment.text("EMAIL_URL")
    may_be_plain = environment.truth("EMAIL_ALLOW_PLAIN", default=False)
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    usage = "Use smtp+tls://user:password@host:587 or smtp+ssl://user:password@host:465."
    parts = environment.address(url)
    if parts is None or parts.scheme not in ("smtp", "smtp+tls", "smtp+ssl"):
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read. {usage}")
    is_near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "smtp" and not is_near and not may_be_plain:
        raise ImproperlyConfigured(
            f"EMAIL_URL would send mail over the network in plain text. {usage} Where the server offers no TLS and the"
            " network is yours, set EMAIL_ALLOW_PLAIN=true."
        )
    try:
        found: dict[str, Any] = Env().email_url("EMAIL_URL")
    except Exception:
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read. {usage}") from None
    names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD")
    return {name: found[name] for name in names} | {
        "EMAIL_USE_TLS": found.get("EMAIL_USE_TLS", False),
        "EMAIL_USE_SSL": found.get("EMAIL_USE_SSL", False),
    }


def broker_url(url: str) -> str:
    """kombu calls a Unix socket redis+socket:// and its database virtual_host; redis-py calls them unix:// and db."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix" and parts.path:
            return f"redis+socket://{parts.path}?virtual_host={parts.query.removeprefix('db=') or '0'}"
        if parts.scheme in ("redis", "rediss") and parts.port != 0:
            return url
    except ValueError:
        pass
    raise ImproperlyConfigured("REDIS_URL cannot be read. Allowed: redis://host:6379/0, rediss:// or unix:///path.")


DEBUG = environment.truth("DEBUG", default=False)
SECRET_KEY = environment.required("SECRET_KEY", "at least 50 random characters that sign sessions")
CATALOG_ENCRYPTION_KEYS = encryption_keys()
ALLOWED_HOSTS: list[str] = environment.hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
SITE_URL: str = environment.site("SITE_URL", "http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

_HTTPS = SITE_URL.startswith("https://")

# Apps, lowest room first.
INSTALLED_APPS = [
    "common",
    "accounts",
    "audit",
    "connections",
    "catalog",
    "lineage",
    "classification",
    "access",
    "alerts",
    "ingestion",
    "portal",
    "config.apps.RecordedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_celery_beat",
    "django_filters",
    "config.apps.DocumentedApiConfig",
    "guardian",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.authentication.PrincipalMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "common.responses.ErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
                "csp.context_processors.nonce",
                "portal.navigation.counts",
            ],
            "builtins": [
                f"common.templatetags.{name}" for name in ("assets", "ui", "lists", "live", "fields", "formats")
            ],
        },
    }
]
FORM_RENDERER = "common.form_rendering.FormRenderer"

DATABASES = {"default": database("DATABASE_URL")}
DATABASE_APP_ROLE: str = environment.text("DATABASE_APP_ROLE", "catalog_app")
"""The runtime role that migrations grant to, where it exists; audit rows are INSERT and SELECT only for it."""

# Celery: short tasks, acknowledged late, redelivered when a worker dies.
REDIS_URL = environment.required("REDIS_URL", "the Redis or Valkey server, as redis://host:6379/0")
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    # A web process asks the broker within a request: answer soon, also when the broker is gone. Unless it is told otherwise,
    # kombu tries for six seconds at each message.
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_QUEUES = tuple(Queue(name) for name in ("interactive", "expiry", "audit", "fold", "crawl", "analytics"))
CELERY_TASK_ROUTES = {
    "access.tasks.compare_with_policies": {"queue": "analytics"},
    "access.tasks.enforce": {"queue": "expiry"},
    "access.tasks.expire": {"queue": "expiry"},
    "access.tasks.knock_at_hanging": {"queue": "expiry"},
    "access.tasks.reconcile_source": {"queue": "expiry"},
    "alerts.tasks.forget_old": {"queue": "analytics"},
    "alerts.tasks.look": {"queue": "audit"},
    "alerts.tasks.send_mail": {"queue": "audit"},
    "audit.tasks.deliver": {"queue": "audit"},
    "classification.tasks.carry_labels": {"queue": "analytics"},
    "classification.tasks.follow_lineage": {"queue": "fold"},
    "classification.tasks.count_columns": {"queue": "fold"},
    "classification.tasks.classify_names": {"queue": "analytics"},
    "classification.tasks.keep_coverage": {"queue": "analytics"},
    "catalog.tasks.forget_profiles": {"queue": "analytics"},
    "classification.tasks.reclassify": {"queue": "analytics"},
    "classification.tasks.resume_passes": {"queue": "analytics"},
    "ingestion.tasks.crawl": {"queue": "crawl"},
    "ingestion.tasks.crawl_scheduled_source": {"queue": "crawl"},
    "ingestion.tasks.sweep_runs": {"queue": "interactive"},
    "lineage.tasks.fold": {"queue": "fold"},
    "lineage.tasks.make_partitions": {"queue": "analytics"},
    "lineage.tasks.forget_old": {"queue": "analytics"},
    "lineage.tasks.measure_criticality": {"queue": "analytics"},
    "lineage.tasks.read_sql": {"queue": "analytics"},
}
CELERY_BEAT_SCHEDULER = "config.scheduler:HeardScheduler"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
GUARDIAN_RAISE_403 = True
ANONYMOUS_USER_NAME = None
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapters.ClosedAdapter"
ACCOUNT_FORMS = {"login": "accounts.sign_in.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT: int = environment.whole("REAUTHENTICATION_SECONDS", 900, unit="seconds")
"""So long after they last showed who they are people may approve, open data in an emergency, or make a token for it."""
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False

EMAIL_URL = environment.text("EMAIL_URL")
"""The mail server, as smtp+tls://user:password@host:587; empty: no mail is sent, and pages say so."""
vars().update(email())
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = environment.sender("DEFAULT_FROM_EMAIL", f"Catalog <catalog@{urlsplit(SITE_URL).hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
DIGEST_HOUR: int = environment.whole("DIGEST_HOUR", 7, unit="hours", least=0, most=23)
"""At what hour of the day, in TIME_ZONE, daily e-mails go out."""

WATCH: bool = environment.truth("WATCH", default=True)
"""Whether web processes look after workers, beat and the fold, and raise alarms."""

LANGUAGE_CODE = "en-au"
TIME_ZONE = environment.time_zone("TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static" / "dist"] if path.is_dir()]
# The build puts a hash of the content into every name, so these never change.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+\.[0-9A-Z]{8}\.(js|css|svg|woff2)$"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# HTTPS is decided by SITE_URL: on loopback without it, browsers refuse Secure cookies.
SECURE_SSL_REDIRECT = _HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_HSTS_PRELOAD = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if environment.truth("TRUST_PROXY", default=False) else None
)
SESSION_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_NAME = "__Host-session" if _HTTPS else "session"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_NAME = "__Host-csrf" if _HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = False
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "worker-src": [SELF],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.PersonSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.json_body.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.responses.problem_response",
    "UNAUTHENTICATED_USER": None,
    # JSON is all that there is: `?format=` is a parameter that no operation knows.
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Catalog",
    "VERSION": "2.0",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "The catalog's data: what there is, who owns it, where it comes from, who may read it.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["accounts.authentication.HasScope"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "GET_LIB_DOC_EXCLUDES": "portal.openapi.bases",
    # `common.described_query` holds requests against what comes out of these.
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "portal.openapi.tell_problems",
        "portal.openapi.tell_emptiness",
    ],
    # Fields of one name with other values, told apart by what they are of.
    "ENUM_NAME_OVERRIDES": {
        "NotificationKindEnum": "alerts.kinds.Kind",
        "HearingEnum": "alerts.kinds.Choice",
        "DatasetKindEnum": "catalog.models.DATASET_KINDS",
        "OwnershipKindEnum": "catalog.models.Ownership.Kind",
        "CrawlRunStateEnum": "ingestion.models.RunState",
        "JobRunStateEnum": "lineage.models.RunState",
        "AssertionOriginEnum": "catalog.models.Origin",
        "JobOriginEnum": "lineage.models.JobOrigin",
        "EdgeOriginEnum": "lineage.models.EdgeOrigin",
        "InfluenceEnum": "lineage.graph_rest.INFLUENCES",
        "ProposalStateEnum": "catalog.models.Proposal.State",
    },
}

# Sources: where connectors may reach. Loopback and private networks only where they are named here.
CONNECTION_ALLOWED_NETWORKS = environment.networks(
    "CONNECTION_ALLOWED_NETWORKS", ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
)
CONNECTION_ALLOWED_PATHS: list[str] = environment.folders("CONNECTION_ALLOWED_PATHS", [str(VAR_DIR / "files")])

CRAWL_GONE_LIMIT: float = environment.share("CRAWL_GONE_LIMIT", 0.2)
"""The share of a source's datasets above which a crawl waits for a person before marking them gone."""

UNASSIGNED_TIER: str = environment.choice("UNASSIGNED_TIER", "discover", _TIERS)
"""What every signed-in person sees of a dataset without a domain: none, discover, metadata or profile."""

LINEAGE_MAX_EVENT_BYTES: int = environment.whole("LINEAGE_MAX_EVENT_BYTES", 5 * 1024 * 1024, unit="bytes")
PROFILE_HISTORY_DAYS: int = environment.whole("PROFILE_HISTORY_DAYS", 400, unit="days", least=0, most=_MOST_DAYS)
"""After so many days a dataset's old profiles go, but for the latest three; 0 keeps them for ever."""

LINEAGE_EVENT_RETENTION_DAYS: int = environment.whole(
    "LINEAGE_EVENT_RETENTION_DAYS", 365, unit="days", least=0, most=_MOST_DAYS
)
"""How long the log keeps an event after it came; 0 for ever. What was folded from it stays."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": sys.stderr}},
    "root": {"handlers": ["stderr"], "level": environment.choice("LOG_LEVEL", "INFO", _LOG_LEVELS)},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        # A line for every periodic task, several a second, hides what matters.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
