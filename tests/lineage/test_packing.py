"""The bodies of the event log: what is unpacked is what was packed, also by an earlier version of the product."""

import hashlib
import json
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.tokens import mint
from lineage import packing
from lineage.intake import accept
from lineage.models import Event
from tests.factories import pipeline
from tests.lineage.events import run_event


@given(st.binary(max_size=5000))
def test_whatever_is_packed_comes_back(body):
    assert packing.unpacked(packing.packed(body)) == body


def test_a_dictionary_that_was_used_stays_as_it_is():
    """Logs out there were packed with it. Do not change this digest: make a dictionary with the next number."""
    first = Path(packing.__file__).parent / "dictionaries" / "1.txt"
    assert (
        hashlib.sha256(first.read_bytes()).hexdigest()
        == "cd5aa97288990c8a1d3c35228ed6215361358ccfb26b007d9bd911b6eada6c61"
    )


@pytest.mark.parametrize("kept", [b"", b"\x02abc", b"\xffabc", b"\x01\xff\xff\xff"])
def test_what_was_not_packed_is_refused_with_a_sentence(kept):
    with pytest.raises(ValueError, match=r"^The body .*\.$"):
        packing.unpacked(kept)


def test_text_of_before_is_read_as_it_is(db):
    sender = pipeline()
    token = mint(principal=sender, name="log", scopes=["lineage:write"], by=sender).token
    accept(json.dumps(run_event()).encode(), token=token)
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE lineage_event SET body = '\\x00'::bytea || convert_to('{"a": "ä"}', 'UTF8')""")
    assert Event.objects.get().body == '{"a": "ä"}'
