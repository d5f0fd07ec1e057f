"""Hashes that artifacts are known by: the same in every version, whatever the order of keys."""

import hashlib
from pathlib import Path

from places import ROOT

from edgepress.core import hashing
from edgepress.core.hashing import file_sha256, value_hash


def test_a_value_is_hashed_as_json_with_sorted_keys() -> None:
    text = b'{"a": "/x/y", "b": [1, null, 0.5]}'
    value = {"b": [1, None, 0.5], "a": Path("/x/y")}
    assert value_hash(value) == hashlib.sha256(text).hexdigest()[:16]
    assert value_hash(dict(sorted(value.items()))) == value_hash(value)
    assert value_hash({**value, "a": Path("/x/z")}) != value_hash(value)


def test_a_file_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    assert file_sha256(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_root_is_that_of_the_repository() -> None:
    assert hashing.ROOT == ROOT
