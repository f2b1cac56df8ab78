"""Merging, said a second time and plainly: what reports make of a cluster by the protocol, without a database."""

from dataclasses import dataclass, field
from typing import Any

from plumbline.reports.digests import resource_digests
from plumbline.reports.identities import Key, resource_key

VERDICTS = ("passed", "failed", "errored", "skipped")
Place = tuple[str, str, str]  # policy, rule, place


@dataclass
class Kept:
    """A resource: its digest, the verdict of each policy, and what is open or excepted (by which exception)."""

    digest: str = ""
    verdicts: dict[str, str] = field(default_factory=dict)
    standing: dict[Place, str] = field(default_factory=dict)


@dataclass
class Effect:
    """What one report did."""

    opened_count: int = 0
    resolved_count: int = 0
    unknown_count: int = 0


@dataclass
class ReplayedCluster:
    resources: dict[Key, Kept] = field(default_factory=dict)

    def merge(self, report: dict[str, Any]) -> Effect:
        """Take a whole report in, newer than all before it."""
        effect = Effect()
        listed = {
            resource_key(resource): (resource, digest)
            for resource, digest in zip(report["resources"], resource_digests(report), strict=True)
        }
        known = {resource_key(entry): entry["digest"] for entry in report.get("known", ())}
        for key, (resource, digest) in listed.items():
            kept = self.resources.get(key)
            if kept is None or kept.digest != digest:
                self._take(key, resource, digest, report["policies"], effect)
        for key, digest in known.items():
            kept = self.resources.get(key)
            effect.unknown_count += kept is None or kept.digest != digest
        for key in self._gone(report, {*listed, *known}):
            effect.resolved_count += len(self.resources.pop(key).standing)
        return effect

    def _gone(self, report: dict[str, Any], present: set[Key]) -> set[Key]:
        if report["kind"] == "delta":
            return {resource_key(entry) for entry in report["deleted"]} & set(self.resources)
        if report["truncated"] or report["unreadable"]:
            return set()
        return set(self.resources) - present

    def _take(self, key: Key, resource: dict[str, Any], digest: str, policies: list[str], effect: Effect) -> None:
        kept = self.resources.setdefault(key, Kept())
        told = {policies[index]: verdict for verdict in VERDICTS for index in resource[verdict]}
        kept.verdicts = {p: v for p, v in kept.verdicts.items() if p not in policies} | told
        kept.digest = digest
        entries: dict[Place, str] = {}
        for entry in (*resource["violations"], *resource.get("excepted", ())):
            place = policies[entry["policy"]], entry["rule"], entry["place"]
            entries.setdefault(place, entry.get("exception", ""))
        for place, exception in entries.items():
            effect.opened_count += exception == "" and kept.standing.get(place) != ""
        mended = {place for place in kept.standing if place[0] in _cleared(resource, policies) and place not in entries}
        effect.resolved_count += len(mended)
        kept.standing = {p: e for p, e in kept.standing.items() if p not in mended} | entries


def _cleared(resource: dict[str, Any], policies: list[str]) -> set[str]:
    """Policies that were evaluated everywhere in the resource: what they do not name has passed."""
    evaluated = {*resource["passed"], *resource["failed"]}
    evaluated.update(entry["policy"] for entry in resource.get("excepted", ()))
    unclear = {*resource.get("partial", ()), *(error["policy"] for error in resource["errors"])}
    return {policies[index] for index in evaluated - unclear}
