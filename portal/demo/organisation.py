"""Whom and what the demo speaks of: Thoth Tech with its products OnTrack and SplashKit, its people and its sources.

The systems and sources are those of the organisation's data strategy; what is only proposed there is a source without a
connection here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accounts.models import DomainRole
from catalog.models import Source, Tier


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in; `roles` are roles by domain."""

    username: str
    full_name: str
    is_called: str
    roles: tuple[tuple[str, DomainRole], ...] = ()
    administrator: bool = False

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"


ADMINISTRATOR = Person("admin", "Adira Okafor", "administrator", administrator=True)
STEWARD = Person(
    "steward",
    "Stella Brandt",
    "steward, owner of the domain Learning",
    (("learning", DomainRole.OWNER), ("insight", DomainRole.STEWARD)),
)
PRODUCT_OWNER = Person(
    "owner",
    "Priya Raman",
    "owner of the domains Product and Insight",
    (("product", DomainRole.OWNER), ("insight", DomainRole.OWNER)),
)
ANALYST = Person(
    "analyst",
    "Anh Tran",
    "analyst in Learning and Insight",
    (("learning", DomainRole.ANALYST), ("insight", DomainRole.ANALYST)),
)
OUTSIDER = Person("outsider", "Otto Lindqvist", "colleague without any role")
PEOPLE = (ADMINISTRATOR, STEWARD, PRODUCT_OWNER, ANALYST, OUTSIDER)


@dataclass(frozen=True, slots=True)
class DomainOf:
    slug: str
    name: str
    description: str
    open_tier: Tier


DOMAINS = (
    DomainOf(
        "learning",
        "Learning",
        "Students, units and what students hand in. Personal data: ask before you read it.",
        Tier.DISCOVER,
    ),
    DomainOf("product", "Product", "How SplashKit is used, by installation and never by person.", Tier.METADATA),
    DomainOf("insight", "Insight", "The warehouse: what the organisation measures itself by.", Tier.METADATA),
)

SYSTEMS = (
    ("ontrack", "OnTrack", "Students plan and hand in their tasks here, tutors give feedback."),
    ("splashkit", "SplashKit", "A toolkit for games and multimedia with which students learn to program."),
    ("data-platform", "Data Platform", "Loads, transforms and serves the data of all products."),
)


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source that nothing reads yet."""

    slug: str
    name: str
    system: str
    domain: str
    platform: str
    namespace: str
    frequency: Source.Frequency
    structure: Source.Structure
    location: str
    description: str


KNOWN_SOURCES = (
    KnownSource(
        "ontrack-metrics",
        "OnTrack application metrics",
        "ontrack",
        "learning",
        "pubsub",
        "pubsub",
        Source.Frequency.STREAM,
        Source.Structure.SEMI,
        "Google Cloud, Sydney",
        "Proposed: what people do in OnTrack, sent as it happens. Nothing publishes it yet.",
    ),
    KnownSource(
        "ontrack-logs",
        "OnTrack logs",
        "ontrack",
        "learning",
        "gs",
        "gs://thoth-ontrack-logs",
        Source.Frequency.STREAM,
        Source.Structure.UNSTRUCTURED,
        "Google Cloud, Sydney",
        "The web server's and application's logs. They hold network addresses and user names.",
    ),
    KnownSource(
        "ontrack-analytics",
        "OnTrack Google Analytics",
        "ontrack",
        "learning",
        "bigquery",
        "bigquery",
        Source.Frequency.BATCH,
        Source.Structure.STRUCTURED,
        "Google Cloud, United States",
        "Visits to OnTrack's pages, exported to BigQuery once a day.",
    ),
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Columns that get a level, by its slug, and why; no columns: the dataset itself."""

    level: str
    why: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What people say of one dataset, `name` being the end of its path."""

    source: str
    name: str
    description: str
    columns: dict[str, str] = field(default_factory=dict)
    labels: tuple[Labelled, ...] = ()
    tags: tuple[str, ...] = ()


_MARKS = "Marks of single people"
_HANDBOOK = (Labelled("public", "Published in the handbook"),)
_COUNTS = (Labelled("internal", "Random numbers and counts: nobody can be told from them"),)

SAID = (
    Said(
        "ontrack",
        "users",
        "Everybody who signs in to **OnTrack**.\n\nOne row a person, students and staff alike; `role` tells them apart. "
        "Use `staging.users` of the warehouse unless you need to write to somebody.",
        columns={
            "student_number": "The number on the student card; empty for staff.",
            "date_of_birth": "Asked for at enrolment, used for nothing else.",
        },
        labels=(
            Labelled("restricted", "Opens accounts elsewhere, and nobody here needs it", ("date_of_birth",)),
            Labelled(
                "confidential",
                "Names people or leads to them",
                (
                    "student_number",
                    "username",
                    "first_name",
                    "last_name",
                    "preferred_name",
                    "email",
                    "phone",
                    "last_sign_in_from",
                ),
            ),
            Labelled(
                "internal",
                "Tells nothing without the columns beside it",
                ("id", "role", "receives_reminders", "last_sign_in_at", "created_at"),
            ),
        ),
        tags=("Personal data",),
    ),
    Said(
        "ontrack",
        "task_comments",
        "What students and tutors write to each other about a task. Free text: expect health and family in it.",
        labels=(
            Labelled("restricted", "Students explain absences here, for reasons that are their own", ("body",)),
            Labelled("confidential", "Says who wrote it", ("author_id",)),
        ),
        tags=("Personal data", "Free text"),
    ),
    Said(
        "ontrack",
        "submissions",
        "Each time a student handed a task in, with the outcome. Partitioned by teaching period.",
        labels=(Labelled("confidential", _MARKS, ("outcome", "assessor_id")),),
    ),
    Said(
        "ontrack",
        "projects",
        "A student in a unit: the enrolment, and the grade that the student aims for.",
        labels=(Labelled("confidential", "Says who studies what", ("user_id", "target_grade")),),
    ),
    Said(
        "ontrack",
        "tasks",
        "One task of one student and how far it is.",
        labels=(Labelled("confidential", _MARKS, ("status",)),),
    ),
    Said("ontrack", "units", "One offering of a unit in one teaching period.", labels=_HANDBOOK),
    Said("ontrack", "teaching_periods", "Trimesters with their dates.", labels=_HANDBOOK),
    Said(
        "ontrack",
        "task_definitions",
        "What the tasks of a unit are, what they count for and when they are due.",
        labels=(Labelled("internal", "Known to students and staff, not published"),),
    ),
    Said(
        "splashkit",
        "installations",
        "One row an installation of SplashKit, under a random number.",
        labels=_COUNTS,
        tags=("Telemetry",),
    ),
    Said(
        "splashkit",
        "function_calls",
        "How often each program run called each function.",
        labels=_COUNTS,
        tags=("Telemetry",),
    ),
    Said(
        "warehouse",
        "staging.users",
        "OnTrack's users without names; the address only as a digest.",
        labels=(Labelled("confidential", "Whoever knows an address can compute its digest", ("email_digest",)),),
        tags=("Personal data",),
    ),
    Said(
        "warehouse",
        "marts.student_progress",
        "How far each student is in each unit: tasks, weights, submissions, days late.\n\nBuilt every night from "
        "`staging`. One row a student and unit.",
        labels=(Labelled("confidential", _MARKS, ("user_id", "weight_complete", "days_late")),),
        tags=("Key result", "Personal data"),
    ),
    Said(
        "warehouse",
        "marts.unit_overview",
        "One row a unit: students, share of tasks complete, submissions a student.\n\nServes the objective *more "
        "students finish what they began*.",
        labels=(Labelled("internal", "No single student can be told from it"),),
        tags=("Key result",),
    ),
    Said(
        "warehouse",
        "marts.function_usage",
        "Which functions of SplashKit are used most, in which language.",
        labels=(Labelled("public", "Shown on SplashKit's site"),),
        tags=("Key result",),
    ),
)

OPEN_REQUEST = (
    "ontrack",
    "users",
    ("id", "email", "preferred_name"),
    "Invite students who stopped handing in to an interview about OnTrack's reminders.",
    14,
)
APPROVED_REQUESTS = (
    (
        "warehouse",
        "marts.student_progress",
        (),
        "Weekly report on how many students finish what they began (objective 2, key result 1).",
        90,
    ),
    (
        "ontrack",
        "task_definitions",
        ("id", "unit_id", "abbreviation", "name", "weighting", "due_date"),
        "Name the tasks in the weekly report, and say when each was due.",
        90,
    ),
)
NIGHTLY_CRON = "30 2 * * *"

TERMS = (
    "Student data",
    "learning",
    "I use data about students only for what I asked for.\n\n"
    "- It stays where it is: no copies on laptops, no extracts by mail.\n"
    "- Nobody can be told from what I publish.\n"
    "- When the work is done I give the access back.",
)
"""Name, domain and text of what whoever asks for that domain's data accepts."""

RECERTIFICATION = ("Access to the warehouse, this term", "insight", 21)
"""Name, domain, and in how many days it is due."""

AWAY = (14, "On leave; Stella knows the warehouse as well.")
"""For how many days the owner lets the steward decide, and why."""
