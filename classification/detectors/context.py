"""What a table is about, from its own name and from the columns that are sure of themselves."""

from __future__ import annotations

from enum import StrEnum
from functools import cache, lru_cache

from classification.detectors.dictionaries import read_table
from classification.detectors.tokens import tokens_of


class Subject(StrEnum):
    """Whom or what a table's rows stand for."""

    PERSON = "person"
    EQUIPMENT = "equipment"
    UNKNOWN = "unknown"


# Categories that only a table on people has.
ANCHORS = frozenset(
    [
        "email",
        "person_name",
        "date_of_birth",
        "gender",
        "marital_status",
        "nationality",
        "au_tfn",
        "us_ssn",
        "uk_nhs",
        "uk_nino",
        "in_aadhaar",
        "fr_nir",
        "de_tax_id",
        "cn_resident_id",
        "au_medicare",
        "national_id",
        "passport",
        "drivers_licence",
        "salary",
        "student_id",
        "employee_id",
        "religion",
        "ethnicity",
        "sexual_orientation",
        "disability",
        "age",
        "phone",
        "username",
        "health",
        "criminal_record",
        "academic_record",
        "street_address",
    ]
)
# Categories that are of a machine where the table is about machines.
OF_MACHINES = frozenset(["ip_address", "mac_address", "geo_coordinate", "vehicle_id", "device_id"])


@lru_cache(maxsize=1024)
def subject_of_name(name: str) -> Subject:
    """What the table's name says that it is about."""
    tokens = tokens_of(name)
    people, equipment = _tokens()
    if any(token in people for token in tokens):
        return Subject.PERSON
    return Subject.EQUIPMENT if any(token in equipment for token in tokens) else Subject.UNKNOWN


@cache
def _tokens() -> tuple[frozenset[str], frozenset[str]]:
    table = read_table("subjects.toml")
    return frozenset(table["people"].split()), frozenset(table["equipment"].split())


def subject_of(name: str, anchored: bool) -> Subject:
    """What the table is about: people, where columns that are sure of themselves say so, else what its name says."""
    return Subject.PERSON if anchored else subject_of_name(name)
