"""Values prove what names leave open, and look-alikes stay what they are."""

import string

import pytest

from classification.detectors import (
    ColumnSketch,
    CustomCategory,
    NegativeRule,
    Rules,
    Sensitivity,
    TableSketch,
    checksums,
    classify,
)
from classification.detectors.checksums import australian_medicare, check
from classification.detectors.gazetteers import mentions_a_person, names_a_person
from classification.detectors.values import sample_of

# Published examples: tax offices, Services Australia, NHS, UIDAI, ISO 13616, the cards' test numbers, Wikipedia.
VALID = {
    "au_tfn": "123456782", "au_abn": "51824753556", "au_medicare": "2123456701", "uk_nhs": "9434765919",
    "in_aadhaar": "234123412346", "fr_nir": "295109912611193", "de_tax_id": "36574261809",
    "cn_resident_id": "360426199101010071", "br_cpf": "39053344705", "es_nif": "54362315K",
    "it_codice_fiscale": "RCCMNL83S18D969H", "nl_bsn": "111222333", "ca_sin": "123456782", "us_routing": "111000025",
    "credit_card": "4111111111111111", "iban": "GB82WEST12345698765432", "imei": "490154203237518",
    "pl_pesel": "44051401359", "tr_kimlik": "17291716060", "mx_curp": "BOXW310820HNERXN09", "cl_rut": "125319092",
    "se_personnummer": "8803200016",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(VALID))
def test_a_check_knows_its_numbers_and_no_neighbour_of_them(name):
    passes, number = check(name), VALID[name]
    place = next(place for place, sign in enumerate(number) if sign.isdigit() and place >= len(number) // 2)
    wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert passes(number)
    assert not passes(wrong)
    assert not passes("")
    assert not passes("١" * len(number))


def test_every_check_that_categories_may_name_exists():
    assert all(callable(check(name)) for name in checksums.names())


def test_account_numbers_of_every_country_of_the_registry_are_known():
    registry = """
        AD AE AL AT AZ BA BE BG BH BI BR BY CH CR CY CZ DE DJ DK DO EE EG ES FI FK FO FR GB GE GI GL GR GT HN HR HU IE IL
        IQ IS IT JO KW KZ LB LC LI LT LU LV LY MC MD ME MK MN MR MT MU NI NL NO OM PK PL PS PT QA RO RS RU SA SC SD SE SI
        SK SM SO ST SV TL TN TR UA VA VG XK YE
    """
    pattern = checksums._IBAN
    letters = string.ascii_uppercase
    assert [
        one + two for one in letters for two in letters if pattern.fullmatch(f"{one}{two}68{'0' * 11}")
    ] == registry.split()
    assert check("iban")("NO9386011117947") and not check("iban")("NO9386011117948")


@pytest.mark.parametrize("text", ["Phase II Trial", "ING Bank", "The Med Centre", "MSC Programme", "Level III Support"])
def test_a_degree_names_nobody(text: str):
    assert not mentions_a_person(text)
    assert not names_a_person(text)


def test_titles_and_degrees_beside_a_name_are_no_part_of_it():
    assert mentions_a_person("seen by Dr Okafor")
    assert names_a_person("Dipl. Ing. Anna Schmidt") and names_a_person("Robert Miller Jr.")


def test_medicare_takes_ten_or_eleven_digits_and_cards_that_exist():
    assert australian_medicare("21234567011")
    assert not australian_medicare("1123456701")
    assert not australian_medicare("212345670")


def test_a_sample_is_trimmed_distinct_short_and_without_placeholders():
    sample = sample_of(["  a ", "a", None, "N/A", "0000", "test@example.com", "b" * 9_000, *map(str, range(50))])
    assert sample.values[:2] == ("a", "b" * 2_000)
    assert len(sample.values) == 20
    assert sample.present == 53


def category(values, name="c17", native="varchar(100)"):
    (verdict,) = classify(TableSketch("t4", [ColumnSketch(name, native, values=values)]))
    return verdict.category


LOOKALIKES = {
    "order numbers": ["ORD-100234", "ORD-100299", "ORD-100301", "ORD-100377", "ORD-100402"],
    "versions": ["1.22.4", "2.0.19", "10.4.1", "3.3.3", "7.24.5"],
    "digests": ["9f86d081884c7d659a2feaa0c55ad015", "2c26b46b68ffc68ff99b453c1d304134", "fcde2b2edba56bf408601fb721fe9b5c"],
    "parts of UUIDs": ["550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
    "epochs": ["1657269135", "1576188348", "1534108181", "1675559551"],
    "amounts": ["101.25", "99.00", "12.50", "7.75"],
    "digits that are no card": ["5703221725896217", "1610591348860412", "4562957762422354", "5912252838678587"],
    "times of day": ["06:46:56:03", "23:32:03:18", "17:17:00:14"],
    "serials of eight octets": ["9a:0f:ca:39:38:0a:74:bd", "ce:f5:be:e9:3c:00:a5:fe"],
    "colours": ["#c7bcc0", "#658911", "#c42960"],
    "states": ["active", "pending", "closed"],
    "packages": ["@babel/core@6.3.2", "@vue/cli@4.13.8"],
    "scenario codes": ["SCN-125", "SCN-126", "SCN-200"],
    "places": ["North Haven", "Port Douglas", "Fort Worth", "New Norfolk"],
    "products": ["Leather Wallet", "Green Kettle", "Classic Mug", "Steel Bottle"],
    "coupons": ["SAVE10", "WELCOME5", "SPRING20"],
    "companies": ["Smith and Sons", "Taylor Group", "Jones Ltd", "Wilson Inc"],
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(LOOKALIKES))
def test_a_lookalike_is_nothing_governed(what):
    assert category(LOOKALIKES[what]) is None


def test_values_alone_are_enough_where_they_prove_something():
    assert category(["jo@acme.example", "x.y@mail.example.org", "z@web.example"]) == "email"
    assert category(["4111 1111 1111 1111", "5555 5555 5555 4444", "4012888888881881"]) == "credit_card"
    assert category(["Asthma", "Migraine", "Type 2 diabetes", "Epilepsy"]) == "health"
    assert category(["-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA"]) == "secret"


BY_VALUES = {
    "person_name": ["Meera Kulkarni", "Rohan Deshmukh", "Anjali Bhosale", "Vikram Chavan", "Neha Phadke"],
    "phone": ["+91 98200 11223", "09820011223", "9820011224", "+919820011225", "022 2345 6789"],
    "date_of_birth": ["1949-02-11", "1958-07-30", "1971-12-01", "1985-03-16", "1992-09-09", "2001-05-27"],
    "vehicle_id": ["KX19 ABC", "LM65 XYZ", "AB12 CDE", "YG70 JHU"],
    "street_address": ["Ulmenweg 12", "Bergstraße 4a", "Talstr. 77", "Kirchgasse 3"],
    "username": ["anna.lopez", "garciamaria", "tom1988", "jsmith"],
    "password": ["Xk9#mPq2!v", "aB3$zzTop9", "q7!LmN0pWx", "Zz1@kkUUe3"],
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(BY_VALUES))
def test_values_of_a_form_of_their_own_tell_what_no_name_says(kind):
    assert category(BY_VALUES[kind]) == kind


def test_streets_that_are_ordinary_words_need_a_number_before_them():
    tasks = ["Pass task 1", "Pass task 2", "Pass task 3", "Pass task 4", "Credit task 5", "Unit 6", "Course run 7"]
    assert category(tasks) is None
    assert category(["12 Smith Pass", "4 Fern View", "31a Orchard Close", "Unit 6, 8 Mill Run"]) == "street_address"


RECENT = ["2019-02-11", "2020-07-30", "2021-12-01", "2022-03-16", "2023-09-09", "2024-05-27"]


def test_recent_dates_are_nobodys_birth_and_two_values_prove_little():
    assert category(RECENT, native="date") is None
    assert category(["305-00012345", "305-00012399"]) is None


def test_a_value_match_does_not_override_a_name():
    phones = ["0412555019", "0401555233", "0455555871", "0499555004", "0422555310"]
    assert category(phones, name="order_number") is None
    assert category(phones, name="invoice_ref") is None
    assert category(phones, name="contact_phone") == "phone"


def test_values_that_cannot_be_it_speak_against_a_name():
    assert category(["blue", "green", "red", "amber", "violet", "grey"], name="email") is None


OWN = CustomCategory(
    "permit",
    "Permit",
    Sensitivity.RESTRICTED,
    True,
    names=("fishing permit",),
    abbreviations={"fprm": "fishing permit"},
    patterns=(r"FP-\d{4}",),
)


def test_an_administrators_category_is_found_by_name_abbreviation_and_pattern():
    rules = Rules(version="2", categories=(OWN,))
    table = TableSketch(
        "t",
        [
            ColumnSketch("fishingPermit", "text"),
            ColumnSketch("FPRM_NO", "text"),
            ColumnSketch("c3", "text", values=["FP-1001", "FP-2044", "FP-9120", "FP-7777", "FP-4020"]),
            ColumnSketch("colour", "text"),
        ],
    )
    verdicts = classify(table, rules)
    assert [verdict.category for verdict in verdicts] == ["permit", "permit", "permit", None]
    assert verdicts[0].level is Sensitivity.RESTRICTED


def test_one_value_is_enough_to_try_an_administrators_pattern():
    column = ColumnSketch("c3", "text", values=["FP-1001"])
    (verdict,) = classify(TableSketch("t", [column]), Rules(version="2", categories=(OWN,)))
    assert verdict.category == "permit"


def test_what_people_ruled_out_is_not_suggested_again_and_says_so():
    rules = Rules(version="3", negatives=(NegativeRule("email", "support email", whole=False),))
    table = TableSketch("t", [ColumnSketch("our_support_email", "text"), ColumnSketch("email", "text")])
    ruled, other = classify(table, rules)
    assert (ruled.category, other.category) == (None, "email")
    assert any(contribution.kind == "rule" for contribution in ruled.evidence)


def test_disabled_categories_and_changed_levels_are_obeyed():
    rules = Rules(version="4", disabled=frozenset({"email"}), levels={"phone": Sensitivity.RESTRICTED})
    email, phone = classify(TableSketch("t", [ColumnSketch("email", "text"), ColumnSketch("phone", "text")]), rules)
    assert email.category is None
    assert phone.level is Sensitivity.RESTRICTED
