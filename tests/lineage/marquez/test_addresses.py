"""Paths that servers decoded and node ids with colons in their names: everything they may mean."""

from __future__ import annotations

import tracemalloc
from urllib.parse import unquote

import pytest

from common.errors import Invalid
from lineage.marquez.addresses import MAX_READINGS, Node, Reading, nodes, readings


@pytest.mark.parametrize(
    ("path", "likeliest"),
    [
        ("food", Reading("namespace", "food")),
        ("s3://bucket", Reading("namespace", "s3://bucket")),
        ("food/datasets", Reading("datasets/list", "food")),
        ("food/datasets/a", Reading("datasets/one", "food", "a")),
        ("gs://lake/datasets/a/b", Reading("datasets/one", "gs://lake", "a/b")),
        ("food/datasets/a/versions", Reading("datasets/versions", "food", "a")),
        (
            "food/datasets/a/versions/b1d626a2-6d3a-475e-9ecf-943176d4a8c6",
            Reading("datasets/version", "food", "a", ("b1d626a2-6d3a-475e-9ecf-943176d4a8c6",)),
        ),
        ("food/datasets/a/b/tags/PII", Reading("datasets/tags", "food", "a/b", ("PII",))),
        ("food/datasets/a/fields/x.y/tags/PII", Reading("datasets/fields/tags", "food", "a", ("x.y", "PII"))),
        ("airflow/jobs", Reading("jobs/list", "airflow")),
        ("airflow/jobs/dag.task", Reading("jobs/one", "airflow", "dag.task")),
        ("airflow/jobs/dag/task/runs", Reading("jobs/runs", "airflow", "dag/task")),
        ("airflow/jobs/dag/versions", Reading("jobs/versions", "airflow", "dag")),
    ],
)
def test_the_likeliest_meaning_of_a_path_comes_first(path: str, likeliest: Reading) -> None:
    assert readings(path)[0] == likeliest


def test_every_meaning_of_a_path_is_listed() -> None:
    found = readings("gs://lake/datasets/datasets/x/versions")
    assert Reading("datasets/versions", "gs://lake/datasets", "x") in found
    assert Reading("datasets/one", "gs://lake/datasets", "x/versions") in found
    assert Reading("datasets/one", "gs://lake", "datasets/x/versions") in found
    assert Reading("namespace", "gs://lake/datasets/datasets/x/versions") in found


def test_a_slash_at_the_end_belongs_to_the_name_or_to_nothing() -> None:
    assert readings("lake/datasets/a/")[:1] == [Reading("datasets/one", "lake", "a/")]
    assert Reading("datasets/one", "lake", "a") in readings("lake/datasets/a/")


def test_signs_that_addresses_use_are_part_of_a_name() -> None:
    encoded = "postgres%3A%2F%2Fdb%3A5432/datasets/100%25%20%23sold%3F%20%C3%BCbung%2Fneu"
    assert readings(unquote(encoded))[0] == Reading("datasets/one", "postgres://db:5432", "100% #sold? übung/neu")


@pytest.mark.parametrize("path", ["", "/", "/datasets", "/datasets/", "/datasets/a"])
def test_a_path_without_a_namespace_is_no_dataset(path: str) -> None:
    assert all(one.what == "namespace" or one.namespace for one in readings(path))


def test_a_node_id_is_split_at_each_colon() -> None:
    assert nodes("dataset:postgres://db:5432:public.units") == [
        Node("dataset", "postgres://db:5432", "public.units"),
        Node("dataset", "postgres://db", "5432:public.units"),
        Node("dataset", "postgres", "//db:5432:public.units"),
    ]


def test_what_stands_behind_a_hash_may_be_a_version_or_of_the_name() -> None:
    found = nodes("job:airflow:load#2")
    assert found == [Node("job", "airflow", "load#2"), Node("job", "airflow", "load", version="2")]


def test_a_field_is_behind_its_dataset() -> None:
    assert Node("datasetField", "a:b", "c", "d") in nodes("datasetField:a:b:c:d")


def test_a_run_has_a_uuid() -> None:
    assert nodes("run:B1D626A2-6d3a-475e-9ecf-943176d4a8c6") == [
        Node("run", name="b1d626a2-6d3a-475e-9ecf-943176d4a8c6")
    ]


@pytest.mark.parametrize(
    "text", ["", "dataset", "dataset:a", "dataset::", "table:a:b", "run:7", "datasetField:a:b", ":a:b"]
)
def test_other_texts_are_no_node_ids(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        nodes(text)
    assert refused.value.fields["nodeId"]


def test_of_a_name_of_many_colons_no_more_is_worked_out_than_is_looked_up() -> None:
    text = "datasetField:" + ":".join("a" * 2000)
    tracemalloc.start()
    try:
        assert len(nodes(text)) == MAX_READINGS
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000 * MAX_READINGS, "all two million readings would take a thousand times as much"


def test_without_a_node_id_the_answer_says_that_it_is_missing() -> None:
    with pytest.raises(Invalid) as refused:
        nodes("")
    assert refused.value.fields["nodeId"][0].startswith("nodeId is missing: give one of dataset:NAMESPACE:NAME")
