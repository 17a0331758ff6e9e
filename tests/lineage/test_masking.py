"""Secrets go, names stay."""

from __future__ import annotations

import json
import time

import pytest

from lineage.masking import MASK, is_secret_name, looks_secret, mask_text, masked


@pytest.mark.parametrize(
    "text",
    [
        "CREATE USER x IDENTIFIED BY 'hunter22'",
        "create user x identified with sha256_password by 'hunter22'",
        "ALTER ROLE a ENCRYPTED PASSWORD 'hunter22' VALID UNTIL 'x'",
        "postgres://me:hunter22@db:5432/x",
        "mysql+pymysql://me:hunter22@db/x",
        "host=db password=hunter22 user=me",
        "jdbc:postgresql://db/x?user=me&password=hunter22",
        "Password: hunter22",
        "curl --api-key=hunter22",
        '{"secretAccessKey": "hunter22"}',
        "COPY t FROM 's3://b' CREDENTIALS 'aws_access_key_id=A;aws_secret_access_key=hunter22'",
        "Authorization: Bearer hunter22hunter22",
        "SELECT * FROM t WHERE api_key = 'hunter22'",
        "aws.secret.access.key: hunter22",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter22\n-----END RSA PRIVATE KEY-----",
        "token eyJhunter22AAAA.eyJhunter22.hunter22",
    ],
)
def test_a_secret_in_a_text_is_masked(text):
    assert looks_secret(json.dumps(text).encode())
    assert "hunter22" not in mask_text(text)
    assert MASK in mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT t.token_id FROM tokens t JOIN users u ON t.token_id = u.id",
        "SELECT * FROM password_resets WHERE password_resets.status = 'open'",
        "SELECT author, keyboard FROM kansas WHERE author = 'me'",
        "postgres://db:5432/x, s3://bucket/a@b/c",
    ],
)
def test_what_is_no_secret_stays(text):
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "apiKey", "aws.secret.access.key", "GITHUB_TOKEN", "tokens", "PGPASSWORD"]
)
def test_secret_names_are_known(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["author", "keyboard", "PATH", "monkey", "primary_key", "key", "Kansas"])
def test_other_names_are_not_secret(name):
    assert not is_secret_name(name)


def test_names_of_things_keep_their_words_but_no_password():
    event = {"name": "secret_santa", "namespace": "postgres://u:hunter22@db:5432", "fields": [{"name": "password"}]}
    found = masked(event)
    assert found["name"] == "secret_santa"
    assert found["fields"] == [{"name": "password"}]
    assert "hunter22" not in found["namespace"]


def test_nul_is_looked_for_as_json_writes_it():
    assert looks_secret(json.dumps({"a": "x\x00y"}).encode())
    assert masked({"a\x00": "x\x00y"}) == {"a\ufffd": "x\ufffdy"}


@pytest.mark.parametrize(
    "text", ["a:", "x://", "'", "password='", "token", "-----BEGIN PRIVATE KEY-----", "eyJ", "identified by ", "\\"]
)
def test_masking_takes_time_in_proportion_to_the_text(text):
    def seconds(times: int) -> float:
        # The best of three, of the processor's time: other processes must not count.
        return min(once(times) for _ in range(3))

    def once(times: int) -> float:
        started = time.process_time()
        mask_text(text * times)
        return time.process_time() - started

    seconds(1_000)
    # A quadratic pattern would take 400 times as long for 20 times the text.
    assert seconds(40_000) < 100 * max(seconds(2_000), 0.0005)
