"""Detection holds on schemas that the weights were never fitted on, and the dictionaries are of the world, not of a file."""

import json
import os
import tomllib
from pathlib import Path

import pytest

from bench.fit_classification import STORE, cases_of, fitted
from bench.labelled_columns import COLUMNS, score
from classification.detectors import shipped_categories
from classification.detectors.column_types import can_hold
from classification.detectors.lexicon import lookalikes, shipped_lexicon
from classification.detectors.tokens import tokens_of

HERE = Path(__file__).parent
DICTIONARIES = HERE.parents[2] / "classification" / "detectors" / "dictionaries"
BENCHMARK = Path(
    os.environ.get(
        "CLASSIFICATION_BENCHMARK", HERE.parents[3] / "shared" / "benchmarks" / "classification" / "columns.jsonl"
    )
)
needs_benchmark = pytest.mark.skipif(
    not BENCHMARK.is_file(),
    reason=f"This machine has no labelled columns at {BENCHMARK}. Name them in CLASSIFICATION_BENCHMARK.",
)


# What is reached, less a little; the first sight of each file stands in docs/classification.md.
REACHED = {
    "public_schemas": (0.96, 0.02),
    "industries": (0.96, 0.02),
    "more_industries": (0.94, 0.03),
    "everyday": (0.95, 0.02),
    "later": (0.95, 0.03),
    "without_names": (0.88, 0.10),
}


@pytest.mark.parametrize("name", sorted(REACHED))
def test_columns_never_fitted_on_are_classified(name):
    least, too_low = REACHED[name]
    found = score(f"{name}.txt")
    assert found.columns > 80
    assert found.f1 >= least
    assert found.too_low <= too_low
    assert found.error <= 0.05


def test_every_file_of_columns_is_held_to_what_it_reached():
    assert {file.stem for file in COLUMNS.glob("*.txt")} == set(REACHED)


def test_no_phrase_is_surely_two_governed_categories():
    sure = {
        phrase: [
            meaning.kind for meaning in meanings if meaning.strength == "strong" and meaning.kind not in lookalikes()
        ]
        for phrase, meanings in shipped_lexicon().phrases.items()
    }
    assert {phrase: kinds for phrase, kinds in sure.items() if len(kinds) > 1} == {}


def test_every_category_is_named_gated_and_at_a_level():
    named = {meaning.kind for meanings in shipped_lexicon().phrases.values() for meaning in meanings}
    assert named == set(shipped_categories()) | set(lookalikes())
    assert not any(can_hold("boolean", kind) for kind in ("email", "phone", "iban", "person_name", "us_ssn"))


def test_every_abbreviation_is_a_token_and_says_something_else():
    for section in tomllib.loads((DICTIONARIES / "abbreviations.toml").read_text(encoding="utf-8")).values():
        for token, words in section.items():
            assert token.isalnum(), token
            assert token != words, token


@needs_benchmark
def test_dictionaries_hold_no_name_that_one_schema_made_up():
    """A phrase of three tokens or more that is a whole name of the benchmark is there because the world says it.

    Names that only the benchmark's one real schema has, and that are governed there, are met by no phrase of their own.
    """
    with BENCHMARK.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    elsewhere = {" ".join(tokens_of(row["column"])) for row in rows if row["source"].startswith("faker")}
    own = {
        " ".join(tokens_of(row["column"])): row["column"]
        for row in rows
        if not row["source"].startswith("faker") and " ".join(tokens_of(row["column"])) not in elsewhere
    }
    # Columns of Devise, OAuth and Rails, which thousands of schemas share, and words of any dictionary.
    shared = {
        "encrypted_password", "reset_password_token", "remember_created_at", "unlock_token", "authentication_token",
        "current_sign_in_at", "last_sign_in_at", "created_at", "updated_at", "start_date", "end_date", "login_id", "user_id",
        "project_id", "task_id", "unit_id", "tutorial_id", "submission_id", "content_type", "meeting_location", "last_name",
        "completion_date", "submission_date", "assessment_date", "submitted_at", "filename", "nickname", "student_id",
    }  # fmt: skip
    made_up = [
        name
        for phrase, name in own.items()
        if phrase.count(" ") and name not in shared and phrase in shipped_lexicon().phrases
    ]
    assert made_up == []


@needs_benchmark
def test_the_stored_weights_are_those_that_fitting_gives():
    stored = json.loads(STORE.read_text(encoding="utf-8"))
    features = fitted(cases_of(BENCHMARK))
    assert features.pop("start.governed") == stored["governed"]
    assert features.pop("start.lookalike") == stored["lookalike"]
    assert features == stored["features"]
