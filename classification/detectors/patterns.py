"""Anchored shapes of single values, and how much each proves. None of them is searched for inside a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from classification.detectors import gazetteers
from classification.detectors.checksums import check
from classification.detectors.dictionaries import read_table
from classification.detectors.folding import fold


class Proof(StrEnum):
    """How much it says that values pass a test."""

    DECISIVE = "decisive"  # hardly anything else looks so: an e-mail address, a private key, an IBAN that adds up
    CHECKSUM = "checksum"  # one in ten others passes by chance
    SHAPE = "shape"  # others look so, but not many
    LIST = "list"  # all on a list that the world knows
    WEAK = "weak"  # needs a name, a comment or neighbours


@dataclass(frozen=True, slots=True)
class Test:
    """A test of single values. `closed` says that values of the category cannot fail it, so failing speaks against.

    `enough` is the share of values that must pass to count; below 0.4 all values are asked, however many miss.
    `marked`: a quarter of the values must pass this too, which is narrower: where some are written so, the rest may be bare.
    `compact` asks for values without blanks, dots, dashes and slashes, in upper case.
    """

    kind: str
    proof: Proof
    passes: Callable[[str], bool]
    says: str
    closed: bool = True
    enough: float = 0.0
    compact: bool = False
    marked: Callable[[str], bool] | None = None


def _shape(name: str) -> Callable[[str], bool]:
    table = _shapes()
    flags = re.ASCII | (re.IGNORECASE if name in table["any_case"] else 0)
    matches = re.compile("|".join(table["shapes"][name]), flags).fullmatch
    return lambda value: matches(value) is not None


@cache
def _shapes() -> dict[str, Any]:
    return read_table("shapes.toml")


_DATE = _shape("date")
_IPV4 = _shape("ipv4")
_IPV6 = _shape("ipv6")
_FLOAT = re.compile(r"-?\d{1,3}\.\d{3,}")
_STREET_MARK = re.compile(r"[省市区县镇路号街巷弄室座]|丁目|番地|[로길동]\s?\d|मार्ग|नगर|गली|रोड|सड़क|चौक|कॉलोनी|গ")
_LETTERS = re.compile(r"[^\W\d_][^\W\d_ .,'’`()·・-]*(?:[ .,'’`()·・-]+[^\W\d_]*)*")


def ip_address(value: str) -> bool:
    """An IPv4 or IPv6 address, with or without a prefix length."""
    return (_IPV4(value) if "." in value and ":" not in value else _IPV6(value)) if len(value) < 50 else False


def _surely_ip_address(value: str) -> bool:
    """An IP address that is hardly a version: one of its four numbers is larger than versions get."""
    return ip_address(value) and (":" in value or max(map(int, value.partition("/")[0].split("."))) > 63)


def street_address(value: str) -> bool:
    """A house number and a word that streets are called by, in either order, or the marks of an Asian address."""
    if not (5 if value.isascii() else 3) < len(value) < 160:
        return False
    if _STREET_MARK.search(value):
        return True
    if not any(letter.isdigit() for letter in value):
        return False
    words = re.findall(r"[^\W\d_]+", fold(value))
    if not 1 <= len(words) <= 14:
        return False
    streets = gazetteers.words_of("street")
    called = [word for word in words if word in streets or word.endswith(_STREET_ENDINGS)]
    if not _NUMBER_BEFORE_WORD.search(value):
        called = [word for word in called if word not in _ORDINARY]
    return bool(called) and (
        value[0].isdigit() or value[0] in "#" or len(words) > 1 or _NUMBERED_STREET.fullmatch(value) is not None
    )


_NUMBER_BEFORE_WORD = re.compile(r"\d\S*[\s,]+[^\W\d_]")

# Kinds of street in English that are more often something else: "Pass task 3", "Unit 2", "Phase 1 of course 4". In English
# the number stands before the street, so without a number before any word they say nothing.
_ORDINARY = frozenset((
    "approach", "block", "bypass", "circuit", "close", "corner", "course", "cross", "crossing", "divide", "end", "entrance",
    "estate", "extension", "field", "fields", "flat", "gap", "gate", "gateway", "green", "key", "keys", "land", "landing",
    "layout", "level", "link", "lights", "loop", "mission", "mount", "outlook", "pass", "path", "phase", "point", "port",
    "ports", "radial", "ramp", "rapid", "rest", "rise", "row", "run", "sector", "slope", "spring", "station", "stream",
    "suite", "summit", "trace", "track", "union", "unit", "view", "walk", "wall", "way",
))  # fmt: skip


# One word that ends as streets do, before a house number: Talweg 12, Ulmenstr. 4a.
_NUMBERED_STREET = re.compile(
    r"[^\W\d_]{3,}(?:stra(?:ss|ß)e|str\.?|weg|allee|platz|gasse|straat|laan|plein|gatan|vägen|gracht|singel)\s\d.{0,12}"
)
_STREET_ENDINGS = (
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "gasse",
    "straat",
    "laan",
    "gatan",
    "vagen",
    "plein",
    "ring",
    "gracht",
    "singel",
    "kade",
    "dijk",
    "steeg",
    "dreef",
    "baan",
    "hof",
    "pad",
    "vej",
    "gade",
    "veien",
    "gaten",
    "katu",
    "tie",
    "damm",
    "ufer",
)


def coordinate(value: str) -> bool:
    """A decimal degree with three decimals or more."""
    return _FLOAT.fullmatch(value) is not None and abs(float(value)) <= 180


def person_word(value: str) -> bool:
    """Letters, blanks and the marks that names have, in any script."""
    return len(value) <= 80 and not any(letter.isdigit() for letter in value) and _NAME_MARKS.search(value) is None


_NAME_MARKS = re.compile(r"[/\\@_<>{}\[\]=:;#$%^*+|~?!\"]")


def sentence(value: str) -> bool:
    """Four words or more, most of them in lower case."""
    words = value.split()
    return len(words) >= 4 and sum(word[0].islower() for word in words) >= len(words) / 3 and "{" not in value


def about_a_person(value: str) -> bool:
    """A sentence that names somebody, or holds an address of theirs."""
    return sentence(value) and (gazetteers.mentions_a_person(value) or _REACHES.search(value[:2000]) is not None)


_REACHES = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w{2,}|\+\d{2}[\d ]{8,14}\b", re.ASCII)


def scrambled(value: str) -> bool:
    """What people and generators choose as passwords: no blank, eight letters or more of three sorts, signs among them."""
    if not 6 <= len(value) <= 24 or " " in value or not value.isascii() or _ADDRESSLIKE(value):
        return False
    sorts = (
        any(letter.islower() for letter in value),
        any(letter.isupper() for letter in value),
        any(letter.isdigit() for letter in value),
    )
    return sum(sorts) >= 2 and sum(letter in "!@#$%^&*()_+=?~|;<>" for letter in value) >= 1


_ADDRESSLIKE = _shape("addresslike")
_PLATE = _shape("plate")
_SCRAMBLED = _shape("scrambled_password")


def _made_up(value: str) -> bool:
    """What generators make: eight signs or more of all four sorts, and no address, package or amount."""
    return _SCRAMBLED(value) and _NO_PASSWORD(value) is None


_NO_PASSWORD = re.compile(r"[\w.]+@[\w-]+\.[\w.-]+$|.*://|[\w./@-]+[@=][\d^~][\w.-]*$|v?\d+\.\d", re.ASCII).match


_BIC = re.compile(r"[A-Z]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)


def bank_identifier(value: str) -> bool:
    """A BIC (ISO 9362): four letters, a country, a place, perhaps a branch."""
    found = _BIC.fullmatch(value)
    return found is not None and "country_code" in gazetteers.lists_of(found[1])


def _on(*lists: str) -> Callable[[str], bool]:
    wanted = frozenset(lists)
    return lambda value: not wanted.isdisjoint(gazetteers.lists_of(value))


EMAIL = _shape("email")
_HEALTH_CODE = _shape("health_code")
_BLOOD = _shape("blood")
_PASSWORD_HASH = _shape("password_hash")
_SECRET = _shape("secret")

DECISIVE = Proof.DECISIVE
TESTS: dict[str, tuple[Test, ...]] = {
    "mail": (Test("email", DECISIVE, EMAIL, "have the form of an e-mail address"),),
    "digits": (
        Test("fr_nir", DECISIVE, check("fr_nir"), "are numbers of French social security that add up", compact=True),
        Test(
            "cn_resident_id",
            DECISIVE,
            check("cn_resident_id"),
            "are Chinese identity numbers that add up",
            compact=True,
        ),
        Test(
            "credit_card", Proof.CHECKSUM, check("credit_card"), "are card numbers that pass Luhn's check", compact=True
        ),
        Test("au_tfn", Proof.CHECKSUM, check("au_tfn"), "add up as tax file numbers", compact=True),
        Test("au_abn", Proof.CHECKSUM, check("au_abn"), "add up as Australian business numbers", compact=True),
        Test("au_medicare", Proof.CHECKSUM, check("au_medicare"), "add up as Medicare numbers", compact=True),
        Test("uk_nhs", Proof.CHECKSUM, check("uk_nhs"), "add up as NHS numbers", compact=True),
        Test("in_aadhaar", Proof.CHECKSUM, check("in_aadhaar"), "add up as Aadhaar numbers", compact=True),
        Test(
            "de_tax_id", Proof.CHECKSUM, check("de_tax_id"), "add up as German tax identification numbers", compact=True
        ),
        Test("br_cpf", Proof.CHECKSUM, check("br_cpf"), "add up as CPF", compact=True),
        Test("nl_bsn", Proof.CHECKSUM, check("nl_bsn"), "add up as BSN", closed=False, compact=True),
        Test("ca_sin", Proof.CHECKSUM, check("ca_sin"), "add up as Canadian social insurance numbers", compact=True),
        Test("device_id", Proof.CHECKSUM, check("imei"), "add up as IMEI", closed=False, compact=True),
        Test("us_ssn", Proof.SHAPE, _shape("us_ssn"), "have the form of a social security number", closed=False),
        Test("phone", Proof.SHAPE, _shape("phone"), "have the form of a telephone number", closed=False),
        Test(
            "phone",
            Proof.SHAPE,
            _shape("some_phone"),
            "are telephone numbers, some written as such",
            closed=False,
            enough=0.85,
            marked=_shape("phone"),
        ),
        Test("bank_routing", Proof.SHAPE, _shape("bank_routing"), "have the form of a bank's code", closed=False),
        Test("geo_coordinate", Proof.SHAPE, _shape("geo_coordinate"), "are pairs of degrees", closed=False),
        Test("ip_address", DECISIVE, _surely_ip_address, "are IP addresses", enough=0.85),
        Test("mac_address", DECISIVE, _shape("mac_address"), "are hardware addresses"),
        Test("moment", Proof.SHAPE, _shape("moment"), "are points in time", closed=False),
        Test("software", Proof.SHAPE, _shape("version_or_schedule"), "are versions or schedules", closed=False),
        Test("document_number", Proof.SHAPE, _shape("isbn"), "have the form of book numbers", closed=False),
        Test("reference_code", Proof.SHAPE, _shape("calling_code"), "are country calling codes", closed=False),
    ),
    "code": (
        Test("iban", DECISIVE, check("iban"), "are IBANs that add up", compact=True),
        Test(
            "cn_resident_id",
            DECISIVE,
            check("cn_resident_id"),
            "are Chinese identity numbers that add up",
            compact=True,
        ),
        Test("fr_nir", DECISIVE, check("fr_nir"), "are numbers of French social security that add up", compact=True),
        Test(
            "it_codice_fiscale", DECISIVE, check("it_codice_fiscale"), "are Italian tax codes that add up", compact=True
        ),
        Test("es_nif", Proof.CHECKSUM, check("es_nif"), "add up as Spanish identity numbers", compact=True),
        Test("uk_nino", Proof.SHAPE, _shape("uk_nino"), "have the form of a National Insurance number"),
        Test("in_pan", Proof.SHAPE, _shape("in_pan"), "have the form of an Indian PAN"),
        Test("mac_address", DECISIVE, _shape("mac_address"), "are hardware addresses", closed=False),
        Test("mac_address", Proof.SHAPE, _shape("bare_mac"), "are twelve hexadecimal digits"),
        Test("ip_address", DECISIVE, _surely_ip_address, "are IP addresses", enough=0.85),
        Test(
            "vehicle_id",
            Proof.SHAPE,
            _shape("vehicle_id"),
            "have the form of a vehicle identification number",
            closed=False,
        ),
        Test("bank_routing", Proof.SHAPE, bank_identifier, "have the form of a BIC", closed=False, enough=0.85),
        Test("vehicle_id", Proof.SHAPE, _PLATE, "have the form of number plates", closed=False, enough=0.85),
        Test("password", DECISIVE, _PASSWORD_HASH, "are hashes that passwords are kept as", closed=False),
        Test("secret", DECISIVE, _SECRET, "begin as keys and tokens do", closed=False),
        Test(
            "username",
            Proof.SHAPE,
            gazetteers.is_account_name,
            "are put together from people's names",
            closed=False,
            enough=0.6,
        ),
        Test("password", Proof.WEAK, scrambled, "are scrambled as passwords are", closed=False),
        Test("password", Proof.SHAPE, _made_up, "are made up as passwords are", closed=False, enough=0.85),
        Test(
            "health",
            Proof.LIST,
            lambda value: _HEALTH_CODE(value) or _BLOOD(value),
            "are codes of diseases or blood groups",
            closed=False,
        ),
        Test("digest", Proof.SHAPE, _shape("digest"), "have the length of digests", closed=False),
        Test("record_key", Proof.SHAPE, _shape("record_key"), "are UUIDs", closed=False),
        Test(
            "software", Proof.SHAPE, _shape("system_address"), "are addresses, paths, files or versions", closed=False
        ),
        Test(
            "document_number",
            Proof.SHAPE,
            _shape("document_number"),
            "have the form of numbers of orders, parts or parcels",
            closed=False,
        ),
        Test(
            "reference_code",
            Proof.SHAPE,
            _shape("reference_code"),
            "are colours, media types or time zones",
            closed=False,
        ),
        Test("kind", Proof.SHAPE, _shape("kind"), "are classes", closed=False),
        Test("postcode", Proof.WEAK, _shape("postcode"), "have the form of a postcode", closed=False),
    ),
    "words": (
        Test("street_address", Proof.SHAPE, street_address, "have a house number and a street", closed=False),
        Test("person_name", Proof.LIST, gazetteers.names_a_person, "read as a person's full name", closed=False),
        Test(
            "person_name",
            Proof.SHAPE,
            gazetteers.holds_a_given_name,
            "hold a known given name among capitalised words",
            closed=False,
            enough=0.5,
        ),
        Test(
            "username",
            Proof.SHAPE,
            gazetteers.is_account_name,
            "are put together from people's names",
            closed=False,
            enough=0.6,
        ),
        Test("vehicle_id", Proof.SHAPE, _PLATE, "have the form of number plates", closed=False, enough=0.85),
        Test(
            "person_name", Proof.SHAPE, gazetteers.is_one_name, "are known names of people", closed=False, enough=0.75
        ),
        Test("free_text_pii", Proof.SHAPE, about_a_person, "are sentences that name people", closed=False, enough=0.12),
        Test("free_text_pii", Proof.WEAK, sentence, "are sentences", closed=False),
        Test("secret", DECISIVE, _SECRET, "begin as keys and tokens do", closed=False),
        Test(
            "software", Proof.SHAPE, _shape("browser_or_schedule"), "are those of browsers or schedules", closed=False
        ),
        Test("uk_nino", Proof.SHAPE, _shape("spaced_nino"), "have the form of a National Insurance number"),
        Test("iban", DECISIVE, check("iban"), "are IBANs that add up", compact=True),
        Test("fr_nir", DECISIVE, check("fr_nir"), "are numbers of French social security that add up", compact=True),
        Test("health", Proof.LIST, _BLOOD, "are blood groups", closed=False),
    ),
}

# What only confirms or contradicts a name: asked of columns whose name or comment already says the category.
CONFIRMING: dict[str, Test] = {
    test.kind: test
    for test in (
        Test("phone", Proof.WEAK, _shape("loose_phone"), "could be telephone numbers"),
        Test("ip_address", Proof.WEAK, ip_address, "could be IP addresses"),
        Test(
            "person_name",
            Proof.WEAK,
            person_word,
            "are made of letters as names are",
            marked=gazetteers.holds_a_known_name,
        ),
        Test("date_of_birth", Proof.WEAK, _DATE, "parse as dates"),
        Test("age", Proof.WEAK, _shape("age"), "could be ages"),
        Test("gender", Proof.WEAK, lambda value: len(value) < 30, "are short", closed=False),
        Test("passport", Proof.WEAK, _shape("passport"), "have the form of a passport number"),
        Test("drivers_licence", Proof.WEAK, _shape("drivers_licence"), "could be licence numbers"),
        Test("bank_account", Proof.WEAK, _shape("bank_account"), "could be account numbers"),
        Test("employee_id", Proof.WEAK, _shape("employee_id"), "could be employee numbers"),
        Test("student_id", Proof.WEAK, _shape("student_id"), "could be student numbers"),
        Test("postcode", Proof.WEAK, _shape("loose_postcode"), "have the form of a postcode"),
        Test("username", Proof.WEAK, lambda value: " " not in value and len(value) < 65, "are single words"),
        Test("us_ssn", Proof.WEAK, _shape("loose_ssn"), "could be social security numbers"),
        Test("geo_coordinate", Proof.WEAK, coordinate, "could be degrees", closed=False),
        Test("salary", Proof.WEAK, _shape("salary"), "are amounts"),
        Test("academic_record", Proof.WEAK, _shape("academic_record"), "are marks or grades", closed=False),
        Test("secret", Proof.WEAK, lambda value: len(value) >= 6 and value.count(" ") < 3, "could be keys or tokens"),
        Test("password", Proof.WEAK, lambda value: len(value) >= 4 and value.count(" ") < 4, "could be passwords"),
        Test("device_id", Proof.WEAK, _shape("device_id"), "could be device identifiers"),
        Test(
            "vehicle_id", Proof.WEAK, lambda value: 3 <= len(value) <= 20 and value.upper() == value, "could be plates"
        ),
        Test("bank_routing", Proof.WEAK, _shape("bank_code"), "could be codes of banks"),
        Test(
            "street_address", Proof.WEAK, lambda value: not value.isdigit() and "@" not in value, "could be addresses"
        ),
        Test("free_text_pii", Proof.WEAK, lambda value: " " in value, "have several words", closed=False),
        Test("health", Proof.WEAK, lambda value: len(value) > 2, "could be findings", closed=False),
        Test("national_id", Proof.WEAK, _shape("national_id"), "could be identity numbers"),
        *(
            Test(kind, Proof.WEAK, _shape("choice"), "could be choices")
            for kind in ("ethnicity", "religion", "sexual_orientation", "nationality", "marital_status")
        ),
    )
}

# Lists of values, and the category or look-alike for which they speak.
LISTS: dict[str, str] = {
    "gender": "gender",
    "marital_status": "marital_status",
    "sexual_orientation": "sexual_orientation",
    "religion": "religion",
    "ethnicity": "ethnicity",
    "disability": "disability",
    "condition": "health",
    "medication": "health",
    "criminal": "criminal_record",
    "nationality": "nationality",
    "country": "reference_code",
    "colour": "reference_code",
    "unit": "reference_code",
    "currency_code": "reference_code",
    "country_code": "reference_code",
    "language_code": "reference_code",
    "boolean": "flag",
    "status": "kind",
    "month": "moment",
}
LIST_SAYS: dict[str, str] = {
    "gender": "are genders or salutations",
    "marital_status": "are marital statuses",
    "sexual_orientation": "are sexual orientations",
    "religion": "are religions",
    "ethnicity": "are ethnic groups",
    "disability": "are kinds of impairment",
    "condition": "are medical conditions",
    "medication": "are medicines",
    "criminal": "are offences or outcomes of checks",
    "nationality": "are nationalities",
    "country": "are countries",
    "colour": "are colours",
    "unit": "are units",
    "currency_code": "are currency codes",
    "country_code": "are country codes",
    "language_code": "are language codes",
    "boolean": "are yes or no",
    "status": "are states or classes",
    "month": "are months or days",
}
