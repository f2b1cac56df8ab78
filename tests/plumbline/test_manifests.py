"""Manifests are read as Kubernetes reads them, and bad ones are refused with their line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plumbline.manifests import LoadError, LoadStatistics, load
from plumbline.manifests.parsing import parse_document
from plumbline.manifests.strict import StrictError, parse_strictly
from plumbline.resources import Resource

HEAD = "apiVersion: v1\nkind: ConfigMap\n"


def read(text: str | bytes) -> list[Resource | LoadError]:
    raw = text.encode() if isinstance(text, str) else text
    return list(load(["-"], io.BytesIO(raw)))


def refusal(text: str | bytes) -> LoadError:
    found = read(text)
    assert len(found) == 1
    assert isinstance(found[0], LoadError)
    return found[0]


def value(text: str) -> Any:
    found = read(HEAD + text)[0]
    assert isinstance(found, Resource), found
    return found.object


def test_documents_keep_the_lines_where_they_begin() -> None:
    text = f"# heading\n---\n{HEAD}metadata: {{name: a}}\n---\n# note\n\n{HEAD}metadata:\n  name: b\n...\n"
    found = [item for item in read(text) if isinstance(item, Resource)]
    assert [(item.name, item.line) for item in found] == [("a", 3), ("b", 9)]
    assert found[1].line_of("metadata.name") == 12
    assert found[1].line_of("metadata.labels.app") == 11
    assert found[1].line_of("data") == 9


def test_a_broken_document_does_not_hide_its_neighbours() -> None:
    found = read(f"{HEAD}---\n{HEAD}data: [\n---\n{HEAD}")
    assert [type(item) for item in found] == [Resource, LoadError, Resource]
    assert isinstance(found[1], LoadError)
    assert found[1].line in (6, 7)


def test_lists_are_opened_and_items_know_their_lines() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n"
    (pod,) = read(text)
    assert isinstance(pod, Resource)
    assert (pod.kind, pod.line, pod.line_of("metadata.name")) == ("Pod", 4, 7)


def test_items_of_a_typed_list_get_its_kind() -> None:
    (pod,) = read("apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}]\n")
    assert isinstance(pod, Resource)
    assert (pod.api_version, pod.kind, pod.name) == ("v1", "Pod", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: yes", True),
        ("data: Off", False),
        ('data: "yes"', "yes"),
        ("data: 0644", 420),
        ("data: 0x1F", 31),
        ("data: 1_000", 1000),
        ("data: 08:30", "08:30"),
        ("data: 2026-11-23", "2026-11-23"),
        ("data: 2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("data: 1e3", 1000.0),
        ("data: ~", None),
        ("data: {8080: web, true: x}", {"8080": "web", "true": "x"}),
        ("data: 123456789012345678901234567890", 1.2345678901234568e29),
        ("data: !!str 12", "12"),
        ("data: |\n  yes\n  no\n", "yes\nno\n"),
    ],
)
def test_scalars_are_read_as_kubernetes_reads_them(text: str, expected: Any) -> None:
    assert value(text)["data"] == expected


def test_merge_keys_and_aliases_are_followed() -> None:
    found = value("base: &base {a: 1, b: 2}\ndata: {<<: *base, b: 3}\nagain: *base\n")
    assert found["data"] == {"a": 1, "b": 3}
    assert found["again"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEAD + "data:\n  a: 1\n  a: 2\n", 5, "given twice"),
        ('{"apiVersion": "v1",\n "kind": "Pod",\n "kind": "Job"}', 3, "given twice"),
        (HEAD + "data:\n\t- a\n", 4, "not YAML"),
        (HEAD + "data: .nan\n", 3, "not a number"),
        (HEAD + "data: *nope\n", 3, "not defined"),
        (HEAD + "data: !custom x\n", 3, "means nothing"),
        (HEAD + "? [a]\n: b\n", 3, "key must be text"),
        (HEAD + 'data: "\\0"\n', 3, "NUL"),
        (HEAD + "data: a\0b\n", 3, "NUL"),
        (HEAD + "data: " + "[" * 200 + "]" * 200, 3, "nested deeper"),
        ("kind: Pod\n", 1, "no apiVersion"),
        ("apiVersion: v1\n", 1, "no kind"),
        ("apiVersion: v1\nkind: 7\n", 1, "kind must be text"),
        ("just words\n", 1, "single value"),
        ("- a\n- b\n", 1, "a list"),
        ("a: 1\n", 1, "neither apiVersion nor kind"),
        ("apiVersion: v1\nkind: {{ .Values.kind }}\n", 2, "template"),
        ("{{- if .Values.on }}\napiVersion: v1\n{{- end }}\n", 1, "template"),
        ("apiVersion: v1\nkind: List\nitems:\n- null\n", 4, "null"),
    ],
)
def test_bad_input_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    error = refusal(text)
    assert words in error.message
    assert error.line == line


def test_text_that_is_not_utf_8_is_refused_with_its_line() -> None:
    error = refusal(HEAD.encode() + b"data: \xff\xfe\xfa\n")
    assert error.line == 3
    assert "UTF-8" in error.message


def test_ten_megabytes_of_aliases_end_with_a_clear_error() -> None:
    bomb = HEAD + "a: &a [1,1,1,1,1,1,1,1,1]\n"
    for name, below in zip("bcdefghi", "abcdefgh", strict=True):
        bomb += f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]\n"
    assert "aliases expand" in refusal(bomb).message
    flat = HEAD + "a: &a 1\nb:\n" + "- *a\n" * 2_000_000
    assert "aliases expand" in refusal(flat).message


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    found = read(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode() + b"metadata:\r\n  name: a\r\n")
    assert [item.name for item in found if isinstance(item, Resource)] == ["a"]


def test_directories_are_walked_and_what_is_no_manifest_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.yaml").write_text(HEAD)
    (tmp_path / "b.JSON").write_text(json.dumps({"apiVersion": "v1", "kind": "Pod"}))
    (tmp_path / "values.yaml").write_text("replicas: 2\n")
    (tmp_path / "notes.txt").write_text("kind: Pod\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "c.yaml").write_text(HEAD)
    statistics = LoadStatistics()
    found = list(load([tmp_path], None, statistics))
    assert [item.kind for item in found if isinstance(item, Resource)] == ["Pod", "ConfigMap"]
    assert len(found) == 2
    assert statistics.ignored == 1


def test_linked_directories_end_and_a_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD)
    (tmp_path / "again.yaml").symlink_to(tmp_path / "a.yaml")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert len(list(load([tmp_path, tmp_path / "a.yaml"]))) == 1


def test_a_dangling_link_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    found = list(load([tmp_path, tmp_path / "missing.yaml"]))
    assert [type(item) for item in found] == [LoadError, LoadError]


YAML_TEXT = st.text(alphabet="abk:-[]{}&*!|>'\"#%@`,?~ \n\t0179.yno\\<=u", max_size=60)


@settings(max_examples=300, deadline=None)
@given(text=YAML_TEXT)
def test_no_text_makes_the_reader_crash(text: str) -> None:
    for item in read(HEAD + text):
        assert isinstance(item, Resource | LoadError)


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=80))
def test_no_bytes_make_the_reader_crash(raw: bytes) -> None:
    for item in read(raw):
        assert isinstance(item, Resource | LoadError)


@settings(max_examples=300, deadline=None)
@given(text=YAML_TEXT)
def test_the_fast_parser_agrees_with_the_strict_one(text: str) -> None:
    assert outcome(parse_document, "a: b\n" + text) == outcome(parse_strictly, "a: b\n" + text)


def outcome(parse: Any, text: str) -> Any:
    try:
        return json.dumps(parse(text))
    except StrictError:
        return "refused"


PRINTABLE = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(data=st.dictionaries(PRINTABLE, VALUES, min_size=1, max_size=4), flow=st.booleans())
def test_both_parsers_agree_on_what_other_tools_write(data: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow)
    assert outcome(parse_document, text) == outcome(parse_strictly, text)


@settings(max_examples=200, deadline=None)
@given(data=st.dictionaries(PRINTABLE, VALUES, min_size=1, max_size=4))
@example(data={"\U00010000": "a backslash before \\u0000"})
def test_json_is_read_back(data: dict[str, Any]) -> None:
    assert parse_document(json.dumps(data)) == data
