"""What a new policy begins as: an example that is complete, works, and is there to be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from plumbline.kinds import CORE_KINDS
from plumbline.policies import matches_kind
from plumbline.resources import WORKLOADS, pod_spec_path

_HEAD: Final = """\
apiVersion: plumbline.dev/v1
kind: Policy
metadata:
  name: {id}  # the id of its violations, and the folder's name: do not change it once it is in use
spec:
  title: {title}  # what must be true, not what is wrong
  category: {category}
  severity: {severity}  # low, medium, high or critical
  severityReason: Say in one sentence why it is {severity} and not another severity.
  why: >-
    {why}
  guidance: >-
    {guidance}
  references:
    - {reference}
  # controls:  # the controls of standards that it checks; `plumbline standard show NAME` lists their ids
  #   soc2: [CC8.1]
  match:
    kinds: {kinds}  # workloads is everything that owns pods; `group/Kind` is a kind of one group
    # namespaces: {{exclude: [kube-system]}}  # where it judges nothing
"""

_CONTAINERS: Final = """\
  rules:
    - name: terminal
      # Once for each container, init and ephemeral ones too, bound to the name `container`. For a list of the
      # object: `each: {over: spec.rules, as: rule}`. Without `each`, once for the object.
      each: containers
      # True when all is well. `.?tty` is for a field that may be absent, `orValue` says what its absence means.
      # For all containers of a pod spec: `variables.podSpec`; for the whole object: `object`.
      expression: "!container.?tty.orValue(false)"
      path: tty  # where the violation is, from the container; from the object when there is no `each`
      message: Container {container.name} allocates a terminal
      # Only where one change is right without knowing the application. Otherwise leave it out.
      fix:
        - {op: set, path: tty, value: false}
"""

_LABELS: Final = """\
  parameters:  # what others may set with `--params FILE`; leave it out if there is nothing to set
    schema:
      type: object
      additionalProperties: false
      properties:
        labels:
          description: Labels that every object must have.
          type: array
          minItems: 1
          items: {type: string}
    defaults:
      labels: [example.com/owner]
  variables:  # expressions with a name, computed when a rule needs them: variables.missing
    - name: missing
      # `.?labels` is for a field that may be absent, `orValue` says what its absence means.
      expression: params.labels.filter(label, !(label in object.metadata.?labels.orValue({})))
  rules:
    - name: labels
      expression: size(variables.missing) == 0  # true when all is well
      path: metadata.labels  # where the violation is
      # `message: Labels are missing` would do, too. Give one of the two.
      messageExpression: "'These labels are missing: ' + variables.missing.join(', ')"
"""

_CONTAINER_TESTS: Final = """\
# Each case: an object, and what the policy must say of it. Keep both sides, and name what is at the edge.
- name: a terminal fails
  object:
{first}
  expect: fail  # or pass, error (cannot be evaluated), skip (a related object is missing), none (is not judged)
  path: {path}.containers[0].tty
  message: Container web allocates a terminal

- name: a terminal of an init container fails
  object:
{second}
  expect: fail
  path: {path}.initContainers[0].tty

- name: no terminal passes
  object:
{third}
  expect: pass

- name: an absent setting passes
  object:
{fourth}
  expect: pass
"""

_LABEL_TESTS: Final = """\
# Each case: an object, and what the policy must say of it. Keep both sides, and name what is at the edge.
- name: another label fails
  object: {{apiVersion: {version}, kind: {kind}, metadata: {{name: shop, labels: {{app: shop}}}}}}
  expect: fail  # or pass, error (cannot be evaluated), skip (a related object is missing), none (is not judged)
  path: metadata.labels
  message: "These labels are missing: example.com/owner"

- name: no labels at all fail
  object: {{apiVersion: {version}, kind: {kind}, metadata: {{name: shop}}}}
  expect: fail
  path: metadata.labels

- name: the label passes
  object: {{apiVersion: {version}, kind: {kind}, metadata: {{name: shop, labels: {{example.com/owner: shop}}}}}}
  expect: pass

- name: the parameter replaces the list
  object: {{apiVersion: {version}, kind: {kind}, metadata: {{name: shop, labels: {{app: shop}}}}}}
  params: {{labels: [app]}}
  expect: pass
"""

_OTHER: Final = """
- name: a {other} is not judged
  object: {{apiVersion: {version}, kind: {other}, metadata: {{name: shop}}}}
  expect: none
"""
_WORDS: Final = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
_OTHERS: Final = (("v1", "ConfigMap"), ("v1", "Service"))


def draft(identifier: str, category: str, severity: str, kinds: Sequence[str]) -> tuple[str, str]:
    """The texts of `policy.yaml` and `tests.yaml` for a policy that judges `kinds`."""
    version, kind = _example(kinds[0])
    path = pod_spec_path(kind, version.rpartition("/")[0])
    are_workloads = path is not None and all(pod_spec_path(*_flipped(_example(name))) for name in kinds)
    words = _CONTAINER_WORDS if are_workloads else _LABEL_WORDS
    head = _HEAD.format(id=_quoted(identifier), category=category, severity=severity, kinds=_flow(kinds), **words)
    if are_workloads and path is not None:
        policy, tests = _CONTAINERS, _container_tests(version, kind, path)
    else:
        policy, tests = _LABELS, _LABEL_TESTS.format(version=version, kind=kind)
    return head + policy, tests + _unjudged(kinds)


_CONTAINER_WORDS: Final = {
    "title": "Containers must not allocate a terminal",
    "why": "Say what goes wrong otherwise, and what an attacker or an outage makes of it. A terminal is for a person\n"
    "    who debugs; in a workload it hides that the process was meant to be interactive.",
    "guidance": "Say concretely what to change: remove tty from the container, or set it to false.",
    "reference": "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
}
_LABEL_WORDS: Final = {
    "title": "Objects must have the labels that we agreed on",
    "why": "Say what goes wrong otherwise, and what an attacker or an outage makes of it. Without an owner nobody\n"
    "    knows whom to call when the object breaks.",
    "guidance": "Say concretely what to change: add the label example.com/owner with the name of the team.",
    "reference": "https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
}


def _example(pattern: str) -> tuple[str, str]:
    """An apiVersion and a kind that the pattern means."""
    if pattern == "workloads":
        return "apps/v1", "Deployment"
    if pattern == "*":
        return "v1", "ConfigMap"
    group, slash, kind = pattern.rpartition("/")
    if not slash and kind not in CORE_KINDS:
        group = next((known for known, name in WORKLOADS if name == kind), "example.com")
    return (f"{group}/v1" if group else "v1"), kind


def _flipped(example: tuple[str, str]) -> tuple[str, str]:
    version, kind = example
    return kind, version.rpartition("/")[0]


def _flow(kinds: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, kinds))}]"


def _quoted(name: str) -> str:
    """The name in YAML: in quotes when it would be a number, a truth value or nothing."""
    is_plain = re.match(r"[A-Za-z]", name) and name.lower() not in _WORDS
    return name if is_plain else json.dumps(name)


def _container_tests(version: str, kind: str, path: tuple[str, ...]) -> str:
    def shown(*containers: str, key: str = "containers") -> str:
        lines = [f"apiVersion: {version}", f"kind: {kind}", "metadata: {name: shop, namespace: shop}"]
        lines += [f"{'  ' * depth}{step}:" for depth, step in enumerate(path)]
        indent = "  " * len(path)
        lines += [f"{indent}{key}:", f"{indent}- {containers[0]}"]
        if key != "containers":
            lines += [f"{indent}containers:", f"{indent}- {containers[1]}"]
        return "\n".join(f"    {line}" for line in lines)

    web = "{{name: web, image: 'registry.example.com/web:1.4.2'{}}}".format
    return _CONTAINER_TESTS.format(
        first=shown(web(", tty: true")),
        second=shown(web(", tty: true"), web(""), key="initContainers"),
        third=shown(web(", tty: false")),
        fourth=shown(web("")),
        path=".".join(path),
    )


def _unjudged(kinds: Sequence[str]) -> str:
    """A case of a kind that the policy leaves alone, where there is one."""
    for version, kind in _OTHERS:
        if not any(matches_kind(pattern, "", kind) for pattern in kinds):
            return _OTHER.format(other=kind, version=version)
    return ""
