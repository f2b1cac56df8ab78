"""What people write in manifests, and what a fix leaves of it: everything else."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.edits import Fixed, fix_text
from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from tests.plumbline.objects import policy

POLICIES = {policy.id: policy for policy in library_policies()}
PRIVILEGED = Evaluator([POLICIES["privileged-container"]])
ADDED = "allowPrivilegeEscalation: false"


def pod(*containers: str) -> str:
    """A Pod of which only the containers' lines matter."""
    lines = "".join(f"{line}\n" for container in containers for line in container.splitlines())
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n{lines}"


def fixed(text: str, *policies: str) -> str:
    evaluator = Evaluator(POLICIES[name] for name in policies or ("privileged-container",))
    result = fix_text(text, evaluator)
    assert (result.errors, result.refused) == ([], [])
    assert fix_text(result.text, evaluator).text == result.text
    return result.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("privileged: true   # why", "privileged: false   # why", id="comment beside"),
        pytest.param('"privileged" : true', '"privileged" : false', id="quoted key"),
        pytest.param("? privileged\n      : true", "? privileged\n      : false", id="explicit key"),
        pytest.param("privileged: !!bool yes", "privileged: !!bool false", id="tag"),
        pytest.param("privileged:\n        # why\n        true", "privileged: false\n        # why", id="own line"),
        pytest.param("privileged: &yes true", "privileged: &yes false", id="anchor that nobody uses"),
    ],
)
def test_only_the_value_is_replaced(before: str, after: str) -> None:
    text = pod(f"  - name: a\n    securityContext:\n      {before}\n      # below\n    image: a")
    assert fixed(text) == text.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("securityContext: {}", f"securityContext:\n      {ADDED}", id="empty"),
        pytest.param("securityContext:  # why", f"securityContext:  # why\n      {ADDED}", id="null"),
        pytest.param("securityContext: ~", f"securityContext:\n      {ADDED}", id="tilde"),
        pytest.param(
            "securityContext: {runAsUser: 1} # u",
            "securityContext: {runAsUser: 1, allowPrivilegeEscalation: false} # u",
            id="flow",
        ),
        pytest.param(
            "securityContext: {\n      runAsUser: 1, # u\n    }",
            "securityContext: {\n      runAsUser: 1, # u\n      allowPrivilegeEscalation: false\n    }",
            id="flow on lines, last comma",
        ),
        pytest.param(
            "securityContext: {\n      runAsUser: 1 # u\n    }",
            "securityContext: {\n      runAsUser: 1, # u\n      allowPrivilegeEscalation: false\n    }",
            id="flow on lines",
        ),
        pytest.param(
            "command:\n    - |+\n      run\n\n",
            "command:\n    - |+\n      run\n\n    securityContext:\n      allowPrivilegeEscalation: false\n",
            id="after a block scalar that keeps blank lines",
        ),
    ],
)
def test_new_fields_go_where_they_belong(before: str, after: str) -> None:
    second = f"  # second\n  - {{name: b, securityContext: {{{ADDED}}}}}"
    text = pod(f"  # first\n  - name: a\n    {before}", second)
    assert fixed(text, "allow-privilege-escalation") == text.replace(before, after)


def test_new_lines_are_indented_as_their_neighbours_are() -> None:
    head = "apiVersion: v1\nkind: Pod\nspec:\n    containers:\n        -   name: a\n"
    text = f"{head}            securityContext:\n                runAsUser: 1\n"
    added = "                capabilities:\n                    drop:\n                        -   ALL\n"
    assert fixed(text, "capabilities-drop-all") == text + added


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("add:\n        - KILL # s\n        # net\n        - CHOWN", "add: []\n        # net", id="all"),
        pytest.param(
            "add:\n        - KILL\n        # net\n        - NET_BIND_SERVICE",
            "add:\n        # net\n        - NET_BIND_SERVICE",
            id="first",
        ),
        pytest.param("add: [SYS_ADMIN, NET_BIND_SERVICE, CHOWN] # c", "add: [NET_BIND_SERVICE] # c", id="flow"),
    ],
)
def test_removed_items_take_only_their_lines_along(before: str, after: str) -> None:
    capabilities = f"capabilities:\n        drop: [ALL]\n        {before}"
    text = pod(f"  - name: a\n    securityContext:\n      {capabilities}\n    image: a")
    assert fixed(text, "capabilities-drop-all") == text.replace(before, after)


def test_a_key_beside_its_dash_is_removed_without_the_dash() -> None:
    text = pod("  - ports:\n    - hostPort: 80 # h\n      # the port\n      containerPort: 80\n    name: a")
    assert "    - # the port\n      containerPort: 80\n" in fixed(text, "host-ports")


def test_the_last_field_of_a_map_leaves_an_empty_map() -> None:
    text = "apiVersion: v1\nkind: Pod\nspec:\n  # pid\n  hostPID: true # bad\n"
    assert fixed(text, "host-pid") == "apiVersion: v1\nkind: Pod\nspec: {}\n  # pid\n"


def test_line_ends_and_the_missing_last_one_are_kept() -> None:
    text = pod("  - name: a").replace("\n", "\r\n").removesuffix("\r\n")
    added = "\r\n    securityContext:\r\n      allowPrivilegeEscalation: false"
    assert fixed(text, "allow-privilege-escalation") == text + added


def test_each_document_and_each_item_of_a_list_is_fixed() -> None:
    one = "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n  hostIPC: false\n"
    items = (
        "--- # list\n# head\napiVersion: v1\nkind: List\nitems:\n"
        "- kind: Pod\n  apiVersion: v1\n  spec:\n    hostPID: true\n    a: b\n"
    )
    text = f"# head\n---\n{one}---\n# nothing\n---\nvalues: [1]\n...\n{items}---\n{one}"
    assert fixed(text, "host-pid") == text.replace("    hostPID: true\n", "").replace("  hostPID: true\n", "")


SHARED = "  - &a\n    name: a\n    securityContext: &sc\n      privileged: true # both\n"


def test_what_an_alias_shares_is_changed_when_all_sharers_need_it() -> None:
    text = pod(SHARED + "  - name: b\n    securityContext: *sc\n  - <<: *a\n    name: c")
    assert fixed(text) == text.replace("privileged: true", "privileged: false")


def test_a_value_given_by_an_alias_is_replaced_where_it_stands() -> None:
    text = pod("  - name: a\n    stdin: &yes true\n    securityContext: {privileged: *yes}")
    assert fixed(text) == text.replace("*yes", "false")


def test_a_field_from_a_merge_key_is_overridden_beside_it() -> None:
    text = pod("  - name: a\n    env: &base {privileged: true}\n    securityContext:\n      <<: *base")
    assert fixed(text) == text + "      privileged: false\n"


@pytest.mark.parametrize("user", ["x: *sc", "x: {y: [*sc]}", "x:\n      <<: *sc"])
def test_what_others_share_is_left_alone_and_named(user: str) -> None:
    text = pod(f"{SHARED}    {user}")
    result = fix_text(text, PRIVILEGED, "pod.yaml")
    assert result.text == text
    (refused,) = result.refused
    assert refused.line == 9
    assert "shared through the anchor &sc" in str(refused.reason)
    assert "line 10" in str(refused.reason) or "line 11" in str(refused.reason)


def test_a_refused_fix_does_not_hold_up_the_others() -> None:
    text = pod(f"{SHARED}    x: *sc", "  - name: b\n    securityContext:\n      privileged: true # b")
    result = fix_text(text, PRIVILEGED)
    assert result.text == text.replace("true # b", "false # b", 2).replace("false # both", "true # both")
    assert (result.fixed, len(result.refused)) == (1, 1)


def counting(replicas: int) -> dict[str, Any]:
    """A rule that wants so many replicas and no others."""
    return {
        "name": "count",
        "expression": f"object.?spec.?replicas.orValue(1) == {replicas}",
        "path": "spec.replicas",
        "message": "Other than expected",
        "fix": [{"op": "set", "path": "spec.replicas", "value": replicas}],
    }


def test_a_fix_that_would_break_a_rule_that_passes_is_not_made() -> None:
    match = {"kinds": ["Deployment"]}
    rules = [policy(counting(2), name="always-two", match=match), policy(counting(3), name="b-three", match=match)]
    text = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 3 # three\n"
    result = fix_text(text, Evaluator(rules))
    assert (result.text, result.fixed) == (text, 0)
    assert "contradicts b-three/count" in str(result.refused[0].reason)


def test_fixes_that_contradict_each_other_do_not_take_turns() -> None:
    match = {"kinds": ["Deployment"]}
    evaluator = Evaluator(
        [policy(counting(3), name="always-three", match=match), policy(counting(2), name="always-two", match=match)]
    )
    result = fix_text("apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 1\n", evaluator)
    assert result.text.endswith("replicas: 3\n")
    (refused,) = result.refused
    assert (refused.policy, result.fixed) == ("always-two", 1)
    assert "contradicts always-three/count" in str(refused.reason)
    assert fix_text(result.text, evaluator).text == result.text


def test_a_fix_may_overwrite_another_when_both_rules_pass_in_the_end() -> None:
    text = pod("  - name: a\n    imagePullPolicy: Never # n")
    mended = fixed(text, "image-pull-policy-always", "image-pull-never")
    assert mended == text.replace("Never", "Always")


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        pytest.param("spec:\n  image: {{ .Values.image }}\n", "template", id="template"),
        pytest.param("spec: {a: 1, a: 2}\n", "given twice", id="duplicate key"),
        pytest.param("spec: [\n", "not YAML", id="broken"),
    ],
)
def test_a_file_with_a_part_that_cannot_be_read_is_left_alone(broken: str, named: str) -> None:
    text = f"{pod('  - name: a', '    securityContext: {privileged: true}')}---\nkind: Pod\n{broken}"
    result = fix_text(text, PRIVILEGED, "pod.yaml")
    assert (result.text, result.fixed) == (text, 0)
    assert named in result.errors[0].message
    assert (result.errors[0].file, result.errors[0].line is not None) == ("pod.yaml", True)


def test_violations_without_a_fix_are_told_apart() -> None:
    result: Fixed = fix_text(pod("  - name: a"), Evaluator([POLICIES["cpu-limits"]]))
    assert [(violation.policy, violation.reason) for violation in result.remaining] == [("cpu-limits", None)]


def test_json_keeps_its_indentation() -> None:
    spec = '{\n\t\t"hostPID": true,\n\t\t"containers": [\n\t\t\t{"name": "a"}\n\t\t]\n\t}'
    text = f'{{\n\t"kind": "Pod",\n\t"apiVersion": "v1",\n\t"spec": {spec}\n}}\n'
    assert fixed(text, "host-pid") == text.replace('\t\t"hostPID": true,\n', "")
    added = '"securityContext": {\n\t\t\t\t"allowPrivilegeEscalation": false\n\t\t\t}'
    assert fixed(text, "allow-privilege-escalation") == text.replace('"a"', f'"a", {added}')


def test_json_on_one_line_stays_on_it() -> None:
    text = '{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"name":"a"}]}}'
    added = ',"securityContext":{"allowPrivilegeEscalation":false}'
    assert fixed(text, "allow-privilege-escalation") == text.replace('"a"}', f'"a"{added}}}')


def test_many_objects_take_few_rounds() -> None:
    item = "- apiVersion: v1\n  kind: Pod\n  spec:\n    hostPID: true\n    containers: [{name: a}]\n"
    text = "apiVersion: v1\nkind: List\nitems:\n" + item * 300
    evaluator = Evaluator([POLICIES["host-pid"], POLICIES["automount-sa-token"]])
    assert fix_text(text, evaluator).fixed == 600
