"""An administrator's names, patterns and checks look into JSON documents as the shipped detectors do."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest

from classification.detectors import (
    ColumnSketch,
    CustomCategory,
    Rules,
    Sensitivity,
    TableSketch,
    Verdict,
    classify,
)

PERMIT = CustomCategory(
    "permit", "Permit", Sensitivity.RESTRICTED, True, names=("fishing permit",), patterns=(r"FP-\d{4}",)
)
PROJECT = CustomCategory("project", "Project", Sensitivity.INTERNAL, False, patterns=(r"PRJ\d{5}",))
CHARGED = CustomCategory("charged", "Charged to", Sensitivity.CONFIDENTIAL, False, check="credit_card")


def verdict(documents: Sequence[str], *categories: CustomCategory) -> Verdict:
    column = ColumnSketch("payload", "jsonb", values=documents)
    return classify(TableSketch("t", [column]), Rules(version="1", categories=categories))[0]


def documents(**members: Sequence[object]) -> list[str]:
    """One document for each value of the members; all have as many."""
    return [json.dumps(dict(zip(members, row, strict=True))) for row in zip(*members.values(), strict=True)]


PERMITS = ["FP-1001", "FP-2044", "FP-9120", "FP-7777"]
CARDS = ["4111 1111 1111 1111", "5555 5555 5555 4444", "4012888888881881", "4222222222222"]


def test_a_pattern_finds_the_values_of_a_member() -> None:
    found = verdict(documents(step=[1, 2, 3, 4], ref=PERMITS), PERMIT)
    assert (found.category, found.personal, found.level) == ("permit", True, Sensitivity.RESTRICTED)
    assert [one.text for one in found.evidence] == ["4 of 4 documents hold it"]


def test_it_finds_them_wherever_they_are() -> None:
    deep = [json.dumps({"a": {"b": [{"refs": [one, "none"]}]}}) for one in PERMITS]
    numbers = [json.dumps({"n": 7_000 + n}) for n in range(4)]
    cut_off = [f'{{"ref": "{one}", "more": "' + "x" * 3_000 for one in PERMITS]
    seven = CustomCategory("seven", "Seven", Sensitivity.CONFIDENTIAL, False, patterns=(r"7\d{3}",))
    assert verdict(deep, PERMIT).category == "permit"
    assert verdict(numbers, seven).category == "seven"
    assert verdict(cut_off, PERMIT).category == "permit"


def test_a_name_of_its_own_is_enough() -> None:
    assert verdict(documents(fishingPermit=["a", "b"]), PERMIT).category == "permit"


def test_a_member_of_other_forms_is_not_it() -> None:
    assert verdict(documents(ref=["FP-1001", "XX-1", "XX-2", "XX-3"]), PERMIT).category is None
    assert verdict(documents(ref=["see FP-1001", "FP-1", "FP-10012"]), PERMIT).category is None


def test_one_document_among_many_that_hold_none_does_not_count() -> None:
    others = documents(mode=["fast", "slow", "late", "dry", "wet", "odd", "new", "old"])
    assert verdict([*others, *documents(ref=PERMITS[:1])], PERMIT).category is None


def test_a_check_takes_several_values_that_all_add_up() -> None:
    shipped_off = frozenset({"credit_card"})

    def found(values: Sequence[str]) -> str | None:
        column = ColumnSketch("payload", "jsonb", values=documents(ref=values))
        rules = Rules(version="1", categories=(CHARGED,), disabled=shipped_off)
        return classify(TableSketch("t", [column]), rules)[0].category

    assert found(CARDS) == "charged"
    assert found(CARDS[:2]) is None
    assert found([*CARDS[:3], "4111 1111 1111 1112", "4111 1111 1111 1113"]) is None


@pytest.mark.parametrize(
    ("beside", "wanted"), [({}, "project"), ({"email": ["jo@acme.example", "al@acme.example"]}, "free_text_pii")]
)
def test_the_most_sensitive_category_of_a_document_is_told(beside: dict[str, list[str]], wanted: str) -> None:
    found = verdict(documents(code=["PRJ00001", "PRJ00002"], **beside), PROJECT)
    assert found.category == wanted
    restricted = verdict(documents(code=["FP-1001", "FP-2044"], **beside), PERMIT)
    assert (restricted.category, restricted.level) == ("permit", Sensitivity.RESTRICTED)


def test_evidence_holds_neither_values_nor_names_of_members() -> None:
    found = verdict([json.dumps({f"canary{n}": one}) for n, one in enumerate(PERMITS)], PERMIT)
    said = " ".join(one.text for one in found.evidence)
    assert found.category == "permit" and said
    assert "canary" not in said and "FP-" not in said


def test_hostile_patterns_on_hostile_documents_end_in_time() -> None:
    """20 documents of 60 members as long as are read, each member to be asked by every pattern: well below a second.

    A backtracking engine takes 2^30 steps and more for one such value.
    """
    evil = CustomCategory(
        "own",
        "Own",
        Sensitivity.RESTRICTED,
        False,
        patterns=("(a+)+$", "(a|a)*b", "(a|aa)+c", "(.*a){12}", "([a-z]+)*[0-9]", "(x{900}){900}", r"(a)\1"),
    )
    many = [json.dumps({f"m{n}": "a" * 25 + "!" for n in range(60)} | {"n": number}) for number in range(20)]
    long = [json.dumps({"m": "a" * 1_900 + "!" * n}) for n in range(1, 21)]
    nested = ['{"a":' * 300 + '"' + "a" * 30 + '!"' + "}" * 300] * 20
    verdict(many[:1], evil)
    began = time.process_time()
    found = [verdict(documents, evil).category for documents in (many, long, nested)]
    assert time.process_time() - began < 5
    assert found == [None, None, None]
