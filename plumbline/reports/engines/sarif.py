"""SARIF 2.1.0 of any scanner: rules are policies, results are violations of the file that they lie in.

A file is an object of kind File in the namespace that the sender gives as its context: a repository, say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.reports.engines.documents import MAX_RESULTS, NoResultsError
from plumbline.reports.engines.findings import Finding, Findings, Status, engine_id, identity_of, mapping, text
from plumbline.reports.identities import Identity

FILE_VERSION = "plumbline.dev/v1"
VERSION = "2.1.0"
_KINDS: dict[str, Status] = {
    "fail": "fail", "pass": "pass", "notApplicable": "skip", "informational": "skip",
    "open": "error", "review": "error",
}  # fmt: skip
_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "low"}
_SCORES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))
_MAX_PATH = 253


def read_sarif(document: Any, *, context: str = "", is_complete: bool = False) -> Findings:
    """What the runs of a SARIF log say. Raises NoResultsError for what is none of version 2.1.0.

    With `is_complete`, a run that ended well lists every failure of its rules in the context, so that what it does
    not list has been mended; else only results of kind `pass` say so.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("runs"), list):
        raise NoResultsError("this is no SARIF log: it has no list of runs")
    if document.get("version") != VERSION:
        raise NoResultsError(f"version {str(document.get('version'))[:20]} of SARIF is not understood; send {VERSION}")
    findings = Findings(within=context)
    for run in document["runs"]:
        if not isinstance(run, Mapping):
            findings.problems.append("a run is not an object")
            continue
        _read_run(run, findings, context, is_complete)
        if len(findings.results) > MAX_RESULTS:
            raise NoResultsError(f"the log holds more than {MAX_RESULTS} results: send it in parts")
    return findings


def _read_run(run: Mapping[str, Any], findings: Findings, context: str, is_complete: bool) -> None:
    driver = mapping(mapping(run, "tool"), "driver")
    name = text(driver, "name") or "sarif"
    engine = engine_id(name)
    findings.engines.setdefault(engine, name)
    rules = [rule for rule in _list(driver, "rules") if isinstance(rule, Mapping)]
    by_id = {text(rule, "id"): rule for rule in rules}
    for result in _list(run, "results"):
        if isinstance(result, Mapping):
            findings.results.extend(_findings(result, engine, rules, by_id, context))
        else:
            findings.problems.append(f"a result of {name} is not an object")
    if is_complete and _ended_well(run):
        named = {finding.policy for finding in findings.results if finding.engine == engine}
        findings.exhaustive.setdefault(engine, set()).update(named | {rule for rule in by_id if rule})


def _findings(
    result: Mapping[str, Any], engine: str, rules: list[Mapping[str, Any]], by_id: Mapping[str, Any], context: str
) -> Iterator[Finding]:
    if text(result, "baselineState") == "absent":
        return  # told for comparison only: it is not found any more
    index = result.get("ruleIndex")
    by_index = rules[index] if isinstance(index, int) and 0 <= index < len(rules) else {}
    rule_id = text(result, "ruleId") or text(mapping(result, "rule"), "id") or text(by_index, "id") or "unnamed"
    rule = by_id.get(rule_id) or by_index
    status = _KINDS.get(text(result, "kind") or "fail", "error")
    exception = _suppression(result) if status == "fail" else ""
    message = _message(result, rule) or rule_id
    title = text(mapping(rule, "shortDescription"), "text") or text(rule, "name") or rule_id
    for subject, path, line in _places(result, context):
        yield Finding(
            engine=engine,
            policy=rule_id,
            rule="check",
            status="skip" if exception else status,
            subject=subject,
            severity=_severity(result, rule),
            category=text(mapping(rule, "properties"), "category") or "imported",
            title=title,
            message=message,
            place=_fingerprint(result),
            path=path,
            file=path,
            line=line,
            exception=exception,
        )


def _places(result: Mapping[str, Any], context: str) -> Iterator[tuple[Identity, str, int | None]]:
    is_named = False
    for location in _list(result, "locations"):
        physical = mapping(location, "physicalLocation") if isinstance(location, Mapping) else {}
        path = text(mapping(physical, "artifactLocation"), "uri").removeprefix("file://").removeprefix("./")
        identity = identity_of(_file(path), context) if path else None
        if identity is not None:
            is_named = True
            line = mapping(physical, "region").get("startLine")
            is_line = isinstance(line, int) and not isinstance(line, bool) and 0 < line < 2**31
            yield identity, path, line if is_line else None
    if not is_named:
        yield (FILE_VERSION, "File", context, "(no file)"), "", None


def _file(path: str) -> dict[str, str]:
    """The end of a long path says more than its beginning."""
    name = path if len(path) <= _MAX_PATH else f"…{path[-(_MAX_PATH // 4) :]}"
    return {"apiVersion": FILE_VERSION, "kind": "File", "name": name}


def _fingerprint(result: Mapping[str, Any]) -> str:
    """What tells this result from others of its rule in the same file, and outlives a moved line; '' for nothing."""
    for name in ("fingerprints", "partialFingerprints"):
        prints = mapping(result, name)
        values = [text(prints, key) for key in sorted(prints) if text(prints, key)]
        if values:
            return values[0][:200]
    for location in _list(result, "locations"):
        for logical in _list(location, "logicalLocations") if isinstance(location, Mapping) else ():
            if isinstance(logical, Mapping) and (found := text(logical, "fullyQualifiedName", "name")):
                return found[:200]
    return ""


def _suppression(result: Mapping[str, Any]) -> str:
    """What excepts the result, '' for nothing: a suppression that is under review or was rejected does not."""
    for entry in _list(result, "suppressions"):
        if isinstance(entry, Mapping) and text(entry, "status") in ("", "accepted"):
            kind = text(entry, "kind") or "external"
            return f"suppressed {kind}" if kind == "inSource" else "suppressed by the scanner"
    return ""


def _severity(result: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    given = mapping(rule, "properties").get("security-severity")
    try:
        score = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else None
    except (ValueError, OverflowError):
        score = None
    if score is not None and 0 <= score <= 10:
        return next(severity for least, severity in _SCORES if score >= least)
    level = text(result, "level") or text(mapping(rule, "defaultConfiguration"), "level") or "warning"
    return _LEVELS.get(level, "medium")


def _message(result: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    message = mapping(result, "message")
    if said := text(message, "text", "markdown"):
        return said
    template = text(mapping(mapping(rule, "messageStrings"), text(message, "id")), "text")
    for number, argument in enumerate(_list(message, "arguments")[:20]):
        template = template.replace(f"{{{number}}}", argument if isinstance(argument, str) else "")
    return template


def _ended_well(run: Mapping[str, Any]) -> bool:
    invocations = _list(run, "invocations")
    return all(not isinstance(i, Mapping) or i.get("executionSuccessful") is not False for i in invocations)


def _list(owner: Mapping[str, Any], name: str) -> list[Any]:
    value = owner.get(name)
    return value if isinstance(value, list) else []
