"""Importing policies: what becomes of each document, and what the organization then has."""

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from clusters.models import Cluster
from common.clock import now
from common.errors import Conflict, PlumblineError, TooLarge
from compliance.models import Policy, Violation
from compliance.services import policies as service
from compliance.services.importing.reading import MAX_DOCUMENTS, MAX_FILES, PolicyFile
from compliance.services.policies import import_policies
from compliance.services.verification import verify_posture
from organizations.models import AuditEvent, Organization, User
from organizations.scope import organization_scope
from tests.compliance.imports import (
    ADMISSION,
    BINDING,
    DEPLOYMENT,
    KYVERNO,
    OWN,
    PARAMETERS,
    TESTS,
    joined,
    refused,
    said,
    take_in,
)
from tests.compliance.reports import at, merge, report, resource, violation
from tests.factories import make_own_policy, make_policy

CONSTRAINT_TEMPLATE = """\
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: requiredteam}
spec:
  crd: {spec: {names: {kind: RequiredTeam}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: K8sNativeValidation
          source:
            validations:
              - expression: "has(object.metadata.labels) && 'team' in object.metadata.labels"
                message: no team is named
"""
CONSTRAINT = """\
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: RequiredTeam
metadata: {name: pods}
spec: {match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}}
"""
SUITE = """\
apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
metadata: {name: team}
tests:
  - name: team
    template: template.yaml
    constraint: constraint.yaml
    cases:
      - {name: without a team, object: pod.yaml, assertions: [{violations: yes}]}
      - {name: wrong on purpose, object: pod.yaml, assertions: [{violations: no}]}
"""
REGO_TEMPLATE = """\
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: requiredteam}
spec:
  crd: {spec: {names: {kind: RequiredTeam}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package requiredteam
        violation[{"msg": msg}] {
          not input.review.object.metadata.labels.team
          msg := "no team"
        }
"""
WEAVE = """\
apiVersion: pac.weave.works/v2beta2
kind: Policy
metadata: {name: acme.policies.replicas}
spec:
  id: acme.policies.replicas
  name: Deployments run twice
  enabled: true
  description: One replica is none while its node restarts.
  how_to_solve: Set replicas to two or more.
  category: acme.categories.reliability
  severity: high
  targets: {kinds: [Deployment]}
  standards: []
  tags: []
  parameters: []
  code: |
    package acme.replicas
    violation[result] {
      input.review.object.spec.replicas < 2
      result = {"issue detected": true, "msg": "runs once", "violating_key": "spec.replicas"}
    }
"""
TEAM_TESTS = """\
- {name: none, object: {apiVersion: v1, kind: Pod, metadata: {name: a}}, expect: fail}
- {name: one, object: {apiVersion: v1, kind: Pod, metadata: {name: a, labels: {team: x}}}, expect: pass}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n"


def own(slug: str) -> Policy:
    return Policy.objects.exclude(organization=None).get(slug=slug)


def files(**named: str) -> list[PolicyFile]:
    return [PolicyFile(f"{name}.yaml", text.encode()) for name, text in named.items()]


def test_every_document_is_answered_for(acme_scope: Organization) -> None:
    outcome = take_in(joined(OWN, ADMISSION, BINDING, PARAMETERS), KYVERNO, DEPLOYMENT)
    assert said(outcome) == [
        ("file-1.yaml:1", "imported", "owner-label"),
        ("file-1.yaml:22", "imported", "replica-limit"),
        ("file-1.yaml:36", "attached", "ValidatingAdmissionPolicyBinding"),
        ("file-1.yaml:44", "attached", "ReplicaLimit"),
        ("file-2.yaml:1", "imported", "team-label"),
        ("file-3.yaml:1", "ignored", "Deployment"),
    ]
    assert (outcome.accepted_count, outcome.changed_count, outcome.refused_count) == (3, 3, 0)


def test_a_policy_is_kept_with_all_documents_that_it_is_made_of(acme_scope: Organization) -> None:
    take_in(joined(OWN, ADMISSION, BINDING, PARAMETERS))
    policy = own("replica-limit")
    assert (policy.organization_id, policy.format, policy.engine) == (acme_scope.pk, "vap", "CEL")
    assert (policy.title, policy.category) == ("No more replicas than allowed", "imported")
    assert [source["text"] for source in policy.sources] == [ADMISSION, BINDING, PARAMETERS]
    assert policy.document["spec"]["guidance"] == "too many replicas"
    assert own("owner-label").document["spec"]["rules"][0]["name"] == "owner"


def test_a_constraint_is_kept_with_its_template(acme_scope: Organization) -> None:
    outcome = take_in(CONSTRAINT, CONSTRAINT_TEMPLATE)
    assert [(document.outcome, document.format) for document in outcome.documents] == [
        ("imported", "gatekeeper"),
        ("attached", ""),
    ]
    policy = own("requiredteam-pods")
    assert [source["kind"] for source in policy.sources] == ["RequiredTeam", "ConstraintTemplate"]


def test_rego_is_kept_with_the_engine_that_ran_its_tests(acme_scope: Organization) -> None:
    tests = TEAM_TESTS.replace("expect", "policy: requiredteam-pods, expect")
    outcome = take_in(REGO_TEMPLATE, CONSTRAINT, WEAVE, tests=tests)
    assert outcome.accepted_count == 2
    constraint, weave = own("requiredteam-pods"), own("acme-policies-replicas")
    assert constraint.engine not in ("", "CEL")
    assert (constraint.tests["engine"], constraint.tests["passed"]) == (constraint.engine, 2)
    assert (weave.format, weave.title, weave.tests) == ("weave", "Deployments run twice", None)


def test_a_broken_document_does_not_hide_its_neighbours(acme_scope: Organization) -> None:
    broken = OWN.replace("owner-label", "broken").replace("has(object", "has(object + ")
    outcome = take_in(joined(broken, "a: [\n", OWN, "- 1\n"))
    assert [outcome for _, outcome, _ in said(outcome)] == ["refused", "refused", "imported", "refused"]
    assert set(Policy.objects.exclude(organization=None).values_list("slug", flat=True)) == {"owner-label"}
    first = refused(outcome)[0]
    assert (first.place, first.field, first.column) == ("file-1.yaml:18", "spec.rules[0].expression", 12)
    assert first.reason == "has() argument must be a field selection"


def test_what_is_not_supported_is_refused_by_name(acme_scope: Organization) -> None:
    mutating = ADMISSION.replace("Validating", "Mutating")
    outcome = take_in(mutating)
    assert refused(outcome)[0].kind == "MutatingAdmissionPolicy"
    assert "is not supported" in refused(outcome)[0].reason


def test_a_policy_of_which_one_part_is_missing_is_refused_whole(acme_scope: Organization) -> None:
    outcome = take_in(joined(ADMISSION, PARAMETERS))
    assert [outcome for _, outcome, _ in said(outcome)] == ["refused", "ignored"]
    assert "ValidatingAdmissionPolicyBinding" in refused(outcome)[0].reason
    assert not Policy.objects.exclude(organization=None).exists()


def test_an_id_of_the_library_is_refused(acme_scope: Organization) -> None:
    make_policy("owner-label")
    make_policy("team-label", retired_at=now())
    outcome = take_in(OWN, KYVERNO)
    assert [document.outcome for document in outcome.documents] == ["refused", "refused"]
    assert outcome.documents[0].place == "file-1.yaml:4"
    assert outcome.documents[0].reason == (
        "“owner-label” is the id of a policy of the library: give yours another name"
    )
    assert not Policy.objects.exclude(organization=None).exists()


@pytest.mark.parametrize("name", ["import", "imports"])
def test_a_name_that_a_page_has_is_refused(acme_scope: Organization, name: str) -> None:
    outcome = take_in(KYVERNO.replace("team-label", name))
    assert [document.outcome for document in outcome.documents] == ["refused"]


def test_of_two_policies_with_one_id_the_second_is_refused_at_its_place(acme_scope: Organization) -> None:
    outcome = take_in(joined(OWN, DEPLOYMENT, OWN))
    assert said(outcome)[0] == ("file-1.yaml:1", "imported", "owner-label")
    assert refused(outcome)[0].place == "file-1.yaml:26"
    assert "already taken by file-1.yaml" in refused(outcome)[0].reason


def test_the_same_again_changes_nothing(acme_scope: Organization) -> None:
    take_in(OWN, KYVERNO, tests=TESTS.replace("  expect", "  policy: owner-label\n  expect"))
    before = list(Policy.objects.values())
    events = AuditEvent.objects.count()
    outcome = take_in(renamed=joined(KYVERNO, OWN))
    assert [document.outcome for document in outcome.documents] == ["unchanged", "unchanged"]
    assert list(Policy.objects.values()) == before
    assert AuditEvent.objects.count() == events


def test_the_same_id_with_another_text_replaces(acme_scope: Organization) -> None:
    take_in(OWN)
    first = own("owner-label")
    outcome = take_in(OWN.replace("severity: medium", "severity: critical"))
    assert said(outcome) == [("file-1.yaml:1", "replaced", "owner-label")]
    assert outcome.documents[0].reason == "its severity was medium"
    again = own("owner-label")
    assert (again.pk, again.severity, again.weight) == (first.pk, 4, 10)
    assert again.imported_at > first.imported_at


def test_a_policy_of_another_format_replaces_and_says_so(acme_scope: Organization) -> None:
    take_in(OWN)
    outcome = take_in(KYVERNO.replace("team-label", "owner-label"))
    assert outcome.documents[0].reason == "its format was Plumbline; its severity was medium"
    assert own("owner-label").format == "kyverno"


def test_a_retired_policy_is_restored_by_importing_it_again(acme_scope: Organization) -> None:
    take_in(OWN)
    Policy.objects.filter(slug="owner-label").update(retired_at=now())
    assert said(take_in(OWN)) == [("file-1.yaml:1", "restored", "owner-label")]
    assert own("owner-label").retired_at is None


def test_another_severity_reaches_violations_and_posture(cluster: Cluster) -> None:
    take_in(OWN)
    found = report(
        resource(violations=[violation()], passed=[]), scanned_at=at(0), policies=["owner-label"]
    )
    merge(cluster, found)
    take_in(OWN.replace("severity: medium", "severity: critical"))
    assert Violation.objects.get().severity == 4
    assert verify_posture() == []


def test_one_import_is_one_event(acme_scope: Organization, olivia: User) -> None:
    take_in(OWN)
    upload = files(a=OWN.replace("severity: medium", "severity: low"), b=KYVERNO, c="a: [")
    import_policies(files=upload, actor=olivia)
    event = AuditEvent.objects.filter(verb="policy.imported").order_by("-id")[0]
    assert (event.actor, event.target) == (olivia, "team-label, owner-label")
    assert event.data == {"imported": ["team-label"], "replaced": ["owner-label"]}
    assert AuditEvent.objects.filter(verb="policy.imported").count() == 2


def test_an_import_of_nothing_that_is_a_policy_leaves_no_event(acme_scope: Organization) -> None:
    take_in(DEPLOYMENT, "")
    assert not AuditEvent.objects.filter(verb="policy.imported").exists()


def test_own_tests_are_run_and_kept(acme_scope: Organization) -> None:
    wrong = TESTS.replace("expect: pass", "expect: fail", 1)
    outcome = take_in(OWN, tests=wrong)
    assert said(outcome)[-1] == ("tests.yaml", "attached", "tests")
    assert own("owner-label").tests == {
        "engine": "CEL",
        "file": "tests.yaml",
        "passed": 1,
        "failed_count": 1,
        "failed": [{"name": "with an owner", "differences": ["verdict: expected fail, got pass"]}],
    }


def test_tests_belong_to_the_policy_that_they_name_or_lie_beside(acme_scope: Organization) -> None:
    upload = [
        PolicyFile("a/policy.yaml", OWN.encode()),
        PolicyFile("a/tests.yaml", TESTS.encode()),
        PolicyFile("b/policy.yaml", KYVERNO.encode()),
        PolicyFile("c/tests.yaml", TESTS.encode()),
    ]
    outcome = import_policies(files=upload, actor=None)
    assert own("owner-label").tests["passed"] == 2
    assert own("team-label").tests is None
    assert [document.place for document in refused(outcome)] == ["c/tests.yaml:1", "c/tests.yaml:4"]
    assert "it must say which `policy` it tests" in refused(outcome)[0].reason


def test_a_gator_suite_is_run(acme_scope: Organization) -> None:
    outcome = take_in(template=CONSTRAINT_TEMPLATE, constraint=CONSTRAINT, pod=POD, suite=SUITE)
    tests = own("requiredteam-pods").tests
    assert (tests["passed"], tests["failed_count"], tests["file"]) == (1, 1, "suite.yaml")
    assert tests["failed"][0]["name"] == "team: wrong on purpose"
    assert said(outcome)[-1] == ("suite.yaml:1", "attached", "Suite")


@pytest.mark.parametrize("path", ["/etc/hostname", "../../../../etc/hostname", "elsewhere.yaml"])
def test_a_suite_opens_no_file_outside_of_the_import(acme_scope: Organization, path: str) -> None:
    outcome = take_in(template=CONSTRAINT_TEMPLATE, constraint=CONSTRAINT, suite=SUITE.replace("pod.yaml", path))
    assert "names files that are not in this import" in refused(outcome)[0].reason
    assert own("requiredteam-pods").tests is None


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (b"kind: \xff", "x.yaml", "is not UTF-8 text: byte 7 is no part of a character"),
        (b"kind: Policy\na: \x00", "x.yaml:2", "holds a NUL character"),
        (b"# nothing\n", "x.yaml", "holds no document"),
        (b"a: 1\na: 2\n", "x.yaml:2", "is given twice"),
        (b"apiVersion: v1\nkind: {{ .Values.kind }}\n", "x.yaml:2", "template"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(
    acme_scope: Organization, content: bytes, place: str, reason: str
) -> None:
    outcome = import_policies(
        files=[PolicyFile("x.yaml", content), PolicyFile("y.yaml", OWN.encode())], actor=None
    )
    assert outcome.documents[0].place == place
    assert reason in outcome.documents[0].reason
    assert outcome.documents[1].outcome == "imported"


def test_no_file_at_all_is_refused(acme_scope: Organization) -> None:
    with pytest.raises(PlumblineError, match="at least one file"):
        import_policies(files=[], actor=None)


def test_too_much_is_refused_before_anything_is_parsed(acme_scope: Organization) -> None:
    too_long = [PolicyFile("a.yaml", b"#" * (settings.UPLOAD_MAX_BYTES + 1))]
    too_many = [PolicyFile("a.yaml", OWN.encode())] * (MAX_FILES + 1)
    crowded = [PolicyFile("a.yaml", joined(*[DEPLOYMENT] * (MAX_DOCUMENTS + 1)).encode())]
    for upload in (too_long, too_many, crowded):
        with pytest.raises(TooLarge):
            import_policies(files=upload, actor=None)
    assert not Policy.objects.exclude(organization=None).exists()


def test_more_policies_than_an_organization_may_have_are_refused_whole(
    acme_scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_OWN_POLICIES", 2)
    make_own_policy("retired", retired_at=now())
    with pytest.raises(Conflict, match="at most 2 policies"):
        take_in(OWN, KYVERNO)
    assert Policy.objects.exclude(organization=None).count() == 1


def test_files_of_one_name_are_told_apart(acme_scope: Organization) -> None:
    upload = [PolicyFile("policy.yaml", OWN.encode()), PolicyFile("policy.yaml", KYVERNO.encode())]
    outcome = import_policies(files=upload, actor=None)
    assert [place for place, _, _ in said(outcome)] == ["policy.yaml:1", "policy.yaml (2):1"]


def test_an_item_of_a_list_is_a_document(acme_scope: Organization) -> None:
    items = "".join(f"  {'- ' if n == 0 else '  '}{line}\n" for n, line in enumerate(KYVERNO.splitlines()))
    outcome = take_in(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert said(outcome) == [("file-1.yaml:4", "imported", "team-label")]
    assert own("team-label").sources[0]["text"].startswith("apiVersion: policies.kyverno.io/v1\nkind: Validating")


def test_another_organizations_policies_are_not_touched(acme: Organization, globex: Organization) -> None:
    for organization in (acme, globex):
        with organization_scope(organization.pk):
            assert said(take_in(OWN)) == [("file-1.yaml:1", "imported", "owner-label")]
    with organization_scope(globex.pk):
        take_in(OWN.replace("severity: medium", "severity: low"))
    with organization_scope(acme.pk):
        assert own("owner-label").severity == 2


def test_an_import_costs_the_same_for_1_and_50(
    acme_scope: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def many(number: int, word: str) -> str:
        return joined(*(KYVERNO.replace("team-label", f"p-{n}").replace("no team", word) for n in range(number)))

    take_in(many(1, "first"))
    with django_assert_num_queries(8):
        take_in(joined(many(1, "second"), KYVERNO))
    take_in(many(50, "third"))
    with django_assert_num_queries(8):
        take_in(joined(many(50, "fourth"), KYVERNO.replace("team-label", "another")))
