"""The real API server with its etcd, from the folder that KUBEBUILDER_ASSETS names, on ports of their own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
SETTLING_SECONDS = 2.0  # the API server takes policies up once a second
_TOKEN = "admin-of-the-tests"
_WARNING = re.compile(r"Validation failed for ValidatingAdmissionPolicy '([^']*)' with binding '[^']*': (.*)", re.S)

Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server says of an object that is created for a try: `warnings` are those of policies, by name."""

    code: int
    message: str = ""
    warnings: dict[str, list[str]] = field(default_factory=dict)
    object: Object = field(default_factory=dict)

    @property
    def is_allowed(self) -> bool:
        return self.code < 300


class ApiServer:
    """A client of one server."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}

    @property
    def version(self) -> str:
        return str(self._http.get("/version").raise_for_status().json()["gitVersion"])

    def knows(self, obj: Object) -> bool:
        return obj["kind"] in self._served(obj["apiVersion"])

    def can_define(self, obj: Object) -> bool:
        """Whether nobody serves the kind, and its group is not one of the server's own."""
        group = obj["apiVersion"].rpartition("/")[0]
        return "." in group and not self._http.get(f"/apis/{group}").is_success

    def apply(self, *objects: Object) -> dict[str, str]:
        """Store the objects; what the server says of those that it refuses, by name."""
        refused = {}
        for obj in objects:
            name = obj["metadata"]["name"]
            answer = self._http.patch(
                f"{self._path(obj)}/{name}",
                params={"fieldManager": "tests", "force": "true"},
                content=json.dumps(obj),
                headers={"Content-Type": "application/apply-patch+yaml"},
            )
            if not answer.is_success:
                refused[name] = str(answer.json().get("message", answer.text))
        return refused

    def delete(self, *objects: Object) -> None:
        for obj in objects:
            self._http.delete(f"{self._path(obj)}/{obj['metadata']['name']}")

    def define(self, kinds: set[tuple[str, str, str, bool]]) -> None:
        """Serve kinds (apiVersion, kind, plural, whether in namespaces) that take any object. A kind of which both is
        said lives in namespaces.
        """
        by_name: dict[str, Object] = {}
        scopes: dict[tuple[str, str, str], bool] = {}
        for *names, is_namespaced in sorted(kinds):
            scopes[tuple(names)] = is_namespaced
        for (api_version, kind, plural), is_namespaced in scopes.items():
            group, _, version = api_version.rpartition("/")
            definition = by_name.setdefault(
                f"{plural}.{group}",
                {
                    "apiVersion": "apiextensions.k8s.io/v1",
                    "kind": "CustomResourceDefinition",
                    "metadata": {"name": f"{plural}.{group}"},
                    "spec": {
                        "group": group,
                        "names": {"kind": kind, "plural": plural},
                        "scope": "Namespaced" if is_namespaced else "Cluster",
                        "versions": [],
                    },
                },
            )
            if group.endswith("k8s.io"):
                definition["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, for tests"}
            open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            definition["spec"]["versions"].append(
                {
                    "name": version,
                    "served": True,
                    "storage": not definition["spec"]["versions"],
                    "schema": {"openAPIV3Schema": open_schema},
                }
            )
        refused = self.apply(*by_name.values())
        assert not refused, refused
        self.wait_for([{"apiVersion": item[0], "kind": item[1]} for item in kinds])

    def wait_for(self, objects: list[Object]) -> None:
        """Until the kinds of all these objects are served."""
        for _ in range(100):
            self._resources.clear()
            if all(map(self.knows, objects)):
                return
            time.sleep(0.1)
        raise TimeoutError(f"not served after 10 s: {[obj for obj in objects if not self.knows(obj)][:1]}")

    def try_all(self, objects: list[Object]) -> list[Answer]:
        """What is said of the creation of each, in order, without one being stored."""
        for obj in objects:
            self._served(obj["apiVersion"])
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self.try_one, objects))

    def try_one(self, obj: Object) -> Answer:
        answer = self._http.post(self._path(obj), params={"dryRun": "All"}, json=obj)
        warnings: dict[str, list[str]] = {}
        for text in answer.headers.get_list("warning"):
            found = _WARNING.search(json.loads(text[text.index('"') :]))
            if found is not None:
                warnings.setdefault(found[1], []).append(found[2])
        body = answer.json()
        if answer.is_success:
            return Answer(answer.status_code, warnings=warnings, object=body)
        return Answer(answer.status_code, str(body.get("message", "")), warnings)

    def type_warnings(self, policy: str) -> list[Object]:
        """What the controller that checks types says of a policy."""
        url = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{policy}"
        for _ in range(200):
            found = self._http.get(url).raise_for_status().json()
            status = found.get("status", {})
            if status.get("observedGeneration") == found["metadata"]["generation"] and "typeChecking" in status:
                warnings: list[Object] = status["typeChecking"].get("expressionWarnings", [])
                return warnings
            time.sleep(0.1)
        raise TimeoutError(f"the types of {policy} were not checked in 20 s")

    def _served(self, version: str) -> dict[str, tuple[str, bool]]:
        if version not in self._resources:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            answer = self._http.get(root)
            listed = answer.json()["resources"] if answer.is_success else []
            self._resources[version] = {
                item["kind"]: (item["name"], item["namespaced"]) for item in listed if "/" not in item["name"]
            }
        return self._resources[version]

    def _path(self, obj: Object) -> str:
        version = obj["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural, is_namespaced = self._served(version)[obj["kind"]]
        namespace = obj["metadata"].get("namespace", "default")
        return f"{root}/namespaces/{namespace}/{plural}" if is_namespaced else f"{root}/{plural}"


@contextmanager
def api_server(directory: Path, assets: Path) -> Iterator[ApiServer]:
    """Servers that keep everything in `directory`, ended by their process ids."""
    api_port, client_port, peer_port, manager_port = _free_ports(4)
    with ExitStack() as stack:

        def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((directory / f"{name}.log").open("wb"))
            process = subprocess.Popen([assets / name, *arguments], stdout=log, stderr=log, start_new_session=True)
            stack.callback(_end, process)
            return process

        (directory / "tokens.csv").write_text(f"{_TOKEN},admin,admin,system:masters\n")
        _write_keys(directory)
        etcd = f"http://127.0.0.1:{client_port}"
        start(
            "etcd", "--data-dir", str(directory / "etcd"), "--unsafe-no-fsync",
            "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
            "--listen-peer-urls", f"http://127.0.0.1:{peer_port}",
        )  # fmt: skip
        server = start(
            "kube-apiserver", "--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", str(api_port),
            "--cert-dir", str(directory / "certificates"), "--token-auth-file", str(directory / "tokens.csv"),
            "--service-account-issuer", "https://kubernetes.default.svc", "--authorization-mode", "RBAC",
            "--service-account-key-file", str(directory / "public.pem"),
            "--service-account-signing-key-file", str(directory / "private.pem"),
            "--service-cluster-ip-range", "10.0.0.0/16", "--allow-privileged=true",
            "--disable-admission-plugins", "ServiceAccount", "--endpoint-reconciler-type", "none",
        )  # fmt: skip
        url = f"https://127.0.0.1:{api_port}"
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        http = stack.enter_context(httpx.Client(base_url=url, verify=False, headers=headers, timeout=60))
        _wait_until_ready(http, server)
        if (assets / "kube-controller-manager").exists():
            kubeconfig = directory / "kubeconfig.json"
            kubeconfig.write_text(json.dumps(_kubeconfig(url)))
            start(
                "kube-controller-manager", "--kubeconfig", str(kubeconfig), "--leader-elect=false",
                "--bind-address", "127.0.0.1", "--secure-port", str(manager_port),
                "--cert-dir", str(directory / "manager"), "--controllers=validatingadmissionpolicy-status-controller",
            )  # fmt: skip
        yield ApiServer(http)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]


def _write_keys(directory: Path) -> None:
    for arguments in (
        ["genrsa", "-out", "private.pem", "2048"],
        ["rsa", "-in", "private.pem", "-pubout", "-out", "public.pem"],
    ):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def _kubeconfig(url: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "tests",
        "clusters": [{"name": "tests", "cluster": {"server": url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "admin", "user": {"token": _TOKEN}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
    }


def _wait_until_ready(http: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "kube-apiserver ended; see its log"
        try:
            if http.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError("kube-apiserver was not ready in 120 s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
