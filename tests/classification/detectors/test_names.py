"""Names are cut into whole tokens, and the head decides what they are about."""

import pytest

from classification.detectors import ColumnSketch, TableSketch, classify
from classification.detectors.tokens import tokens_of

TOKENS = {
    "customerEmailAddr": ("customer", "email", "address"),
    "CUST_DOB": ("customer", "date", "of", "birth"),
    "custdob": ("customer", "date", "of", "birth"),
    "passport-no": ("passport", "number"),
    "strFirstName": ("first", "name"),
    "Birth_Date__c": ("birth", "date"),
    "d_o_b": ("date", "of", "birth"),
    "HTTPServerName": ("http", "server", "name"),
    "tax_file_number2": ("tax", "file", "number", "2"),
    "storage": ("storage",),
    "acid": ("acid",),
    "Straße": ("strasse",),
    "Prénom": ("prenom",),
    "f_nac": ("f", "nacimiento"),
    "p_iva": ("p", "iva"),
    "c_total": ("total",),
    "氏名カナ": ("氏名", "カナ"),
}


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_a_name_is_cut_into_tokens(name):
    assert tokens_of(name) == TOKENS[name]


def category(name, type_="varchar(100)", values=None, table="t", comment=""):
    (verdict,) = classify(TableSketch(table, [ColumnSketch(name, type_, comment, values)]))
    return verdict.category


ABOUT_SOMETHING_ELSE = [
    "email_verified", "phone_model", "ssn_count", "is_email_valid", "password_expires_at", "card_type", "passport_expiry",
    "address_type", "receive_email", "fecha_verificacion_email", "telefono_verificado", "tipo_documento", "email_bestaetigt",
    "salary_currency", "gender_count", "token_type", "username_length", "product_name", "server_name", "file_name",
    "academic_year_code", "scenario_code", "passwordChangedAt", "emailoptin",
]  # fmt: skip


@pytest.mark.parametrize("name", ABOUT_SOMETHING_ELSE)
def test_the_head_of_a_name_decides(name):
    assert category(name) is None


IS_STILL_ABOUT_IT = {
    "age_at_referral": "age", "address_on_arrival": "street_address", "home_latitude": "geo_coordinate",
    "is_pregnant": "health", "disability_flag": "disability", "nationality_iso2": "nationality",
    "exam_score": "academic_record",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(IS_STILL_ABOUT_IT))
def test_when_where_and_whether_make_a_name_no_other_thing(name):
    assert category(name) == IS_STILL_ABOUT_IT[name]


@pytest.mark.parametrize("name", ["contact", "pays", "credit_score", "risk_score", "screen_orientation", "storage_age"])
def test_a_name_is_not_taken_for_what_its_abbreviation_or_last_word_may_mean_elsewhere(name):
    assert category(name) not in ("salary", "academic_record", "sexual_orientation", "age")


IN_LANGUAGES = {
    "geburtsdatum": "date_of_birth", "date_naissance": "date_of_birth", "fechaNacimiento": "date_of_birth",
    "data_di_nascita": "date_of_birth", "dt_nascimento": "date_of_birth", "geboortedatum": "date_of_birth",
    "ngay_sinh": "date_of_birth", "出生日期": "date_of_birth",
    "дата_рождения": "date_of_birth", "dogum_tarihi": "date_of_birth",
    "nachname": "person_name", "apellido1": "person_name", "cognome": "person_name", "ho_ten": "person_name",
    "姓名": "person_name", "氏名": "person_name", "фамилия": "person_name", "नाम": "person_name",
    "telefonnummer": "phone", "so_dien_thoai": "phone", "手机号": "phone", "numero_telephone": "phone",
    "codigo_postal": "postcode", "plz": "postcode", "cap": "postcode", "steuer_id": "de_tax_id", "numero_secu": "fr_nir",
    "cpf": "br_cpf", "dni": "es_nif", "codice_fiscale": "it_codice_fiscale", "bsn": "nl_bsn", "personnummer": "national_id",
    "contrasena": "password", "mot_de_passe": "password", "familienstand": "marital_status",
    "blutgruppe": "health", "religione": "religion", "gehalt": "salary", "kontonummer": "bank_account",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(IN_LANGUAGES))
def test_names_are_understood_in_many_languages(name):
    assert category(name) == IN_LANGUAGES[name]


@pytest.mark.parametrize(
    ("name", "native"),
    [("email", "boolean"), ("phone", "double precision"), ("first_name", "timestamp"), ("address", "integer")],
)
def test_a_type_that_cannot_hold_it_rules_a_category_out(name, native):
    assert category(name, native) is None


def test_a_foreign_key_says_what_a_column_holds():
    column = ColumnSketch("ref_7", "varchar(12)", references="patients.nhs_number")
    assert classify(TableSketch("visits", [column]))[0].category == "uk_nhs"


def test_a_weak_name_needs_neighbours_or_values():
    people = [
        ColumnSketch("email", "text"),
        ColumnSketch("date_of_birth", "date"),
        ColumnSketch("contact_name", "text"),
    ]
    assert classify(TableSketch("customers", people))[2].category == "person_name"
    assert category("name", table="products") is None


def test_addresses_of_machines_are_internal_in_tables_of_machines():
    (machine,) = classify(TableSketch("servers", [ColumnSketch("ip_address", "inet")]))
    person, _ = classify(TableSketch("sessions", [ColumnSketch("ip_address", "inet"), ColumnSketch("email", "text")]))
    assert (machine.category, machine.personal, machine.level) == ("ip_address", False, "internal")
    assert (person.personal, person.level) == (True, "confidential")
