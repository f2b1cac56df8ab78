"""An index leaves out only what no selector would have chosen, in the order of the set."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.indexes import LabelIndex, SelectorIndex
from plumbline.inventories import Entry
from plumbline.resources import Resource
from plumbline.selectors import SelectorError, selects

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))
ODD = st.sampled_from([None, 1, "x", [], {"matchLabels": "x"}, {"matchExpressions": [{"key": 1}]}, {"a": {}}])
EXPRESSIONS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from("abc"),
            "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Like"]),
            "values": st.lists(st.sampled_from("xyz")),
        }
    ),
    max_size=2,
)
SELECTORS = st.one_of(
    ODD, LABELS, st.fixed_dictionaries({}, optional={"matchLabels": LABELS, "matchExpressions": EXPRESSIONS})
)


def entry(labels: dict[str, Any]) -> Entry:
    metadata = {"name": "web", "labels": labels}
    return Entry(Resource({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}))


def chosen(entries: list[Entry], selector_of: Any, labels_of: Any, plain: bool) -> list[int] | str:
    """The entries by identity, or that a selector is none."""
    try:
        return [id(item) for item in entries if selects(selector_of(item), labels_of(item), plain=plain)]
    except SelectorError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(labels=st.lists(LABELS, max_size=8), selector=SELECTORS, plain=st.booleans())
def test_a_selector_finds_all_pods_that_it_selects(labels: list[dict[str, str]], selector: Any, plain: bool) -> None:
    entries = [entry(item) for item in labels]
    candidates = LabelIndex(entries).candidates(selector, plain)

    found = chosen(candidates, lambda _: selector, lambda item: item.pod_labels, plain)

    assert found == chosen(entries, lambda _: selector, lambda item: item.pod_labels, plain)


@settings(max_examples=300, deadline=None)
@given(selectors=st.lists(SELECTORS, max_size=8), labels=LABELS, plain=st.booleans())
def test_labels_find_all_selectors_that_select_them(selectors: list[Any], labels: dict[str, str], plain: bool) -> None:
    entries = [entry({}) for _ in selectors]
    known = dict(zip(map(id, entries), selectors, strict=True))
    index = SelectorIndex((item, known[id(item)], plain) for item in entries)

    found = chosen(index.candidates(labels), lambda item: known[id(item)], lambda _: labels, plain)

    assert found == chosen(entries, lambda item: known[id(item)], lambda _: labels, plain)
