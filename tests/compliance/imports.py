"""Files that people import, in the few words that a test's story needs."""

from compliance.services.importing.outcomes import DocumentOutcome, ImportOutcome
from compliance.services.importing.reading import PolicyFile
from compliance.services.policies import import_policies

OWN = """\
apiVersion: plumbline.dev/v1
kind: Policy
metadata:
  name: owner-label
spec:
  title: Workloads name their owner
  category: metadata
  severity: medium
  severityReason: Nobody is called when it breaks, and it stays broken until somebody is found.
  why: Without an owner nobody is called when it breaks, and it stays broken until somebody is found by asking around.
  guidance: Put the label `owner` with the name of your team on the workload, as the platform's handbook says.
  references: [https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/]
  controls: {soc2: [CC1.3]}
  match:
    kinds: [workloads]
  rules:
    - name: owner
      expression: "has(object.metadata.labels) && 'owner' in object.metadata.labels"
      path: metadata.labels
      message: The workload names no owner
"""

ADMISSION = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: replica-limit
  annotations: {plumbline.dev/title: No more replicas than allowed}
spec:
  paramKind: {apiVersion: rules.example.com/v1, kind: ReplicaLimit}
  matchConstraints:
    resourceRules:
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
    - expression: object.spec.replicas <= params.maxReplicas
      message: too many replicas
"""

BINDING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replica-limit-everywhere}
spec:
  policyName: replica-limit
  validationActions: [Deny]
  paramRef: {name: limit, parameterNotFoundAction: Deny}
"""

PARAMETERS = """\
apiVersion: rules.example.com/v1
kind: ReplicaLimit
metadata: {name: limit}
maxReplicas: 3
"""

KYVERNO = """\
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: team-label}
spec:
  validationActions: [Audit]
  matchConstraints:
    resourceRules:
      - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
    - expression: "'team' in object.metadata.?labels.orValue({})"
      message: the pod names no team
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
"""

TESTS = """\
- name: with an owner
  object: {apiVersion: v1, kind: Pod, metadata: {name: a, labels: {owner: payments}}, spec: {containers: []}}
  expect: pass
- name: without one
  object: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: []}}
  expect: fail
"""


def joined(*documents: str) -> str:
    return "---\n".join(documents)


def take_in(*texts: str, **named: str) -> ImportOutcome:
    """Import texts as `file-1.yaml` and on, and named ones as `name.yaml`, in the scope that is open."""
    files = [PolicyFile(f"file-{number}.yaml", text.encode()) for number, text in enumerate(texts, 1)]
    files += [PolicyFile(f"{name}.yaml", text.encode()) for name, text in named.items()]
    return import_policies(files=files, actor=None)


def said(outcome: ImportOutcome) -> list[tuple[str, str, str]]:
    """(place, outcome, id or kind) of each document."""
    return [(document.place, document.outcome, document.id or document.kind) for document in outcome.documents]


def refused(outcome: ImportOutcome) -> list[DocumentOutcome]:
    return [document for document in outcome.documents if document.outcome == "refused"]
