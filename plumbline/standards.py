"""Standards: controls of a benchmark, law or profile; the policies that automate them, and the evidence that
the rest wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from plumbline.manifests.parsing import parse_document, parse_proven
from plumbline.policies import PolicyError
from plumbline.policies.model import dotted
from plumbline.schemas import first_problem, validator

MAX_STANDARD_BYTES = 4_194_304
Coverage = Literal["automated", "in part", "manual"]


@dataclass(frozen=True, slots=True)
class Control:
    """A control has policies, or evidence to gather by hand (`manual`), or both: then policies cover a part."""

    id: str
    title: str
    policies: tuple[str, ...] = ()
    manual: str | None = None

    @property
    def is_automated(self) -> bool:
        """Whether any policy speaks for it."""
        return bool(self.policies)

    @property
    def coverage(self) -> Coverage:
        if not self.policies:
            return "manual"
        return "in part" if self.manual else "automated"


@dataclass(frozen=True, slots=True)
class Standard:
    """`own` holds the controls of its file, `inherited` those of the standard that it `extends`.

    `published` is a year, a month or a day (ISO 8601) of that version; `scope` says what policies can and
    cannot show of it.
    """

    name: str
    title: str
    version: str
    own: tuple[Control, ...]
    inherited: tuple[Control, ...] = ()
    description: str = ""
    scope: str = ""
    published: str | None = None
    url: str | None = None
    extends: str | None = None
    file: str | None = None

    @property
    def controls(self) -> tuple[Control, ...]:
        return self.inherited + self.own

    @property
    def policies(self) -> tuple[str, ...]:
        """The ids that selecting this standard selects, without repeats."""
        return tuple(dict.fromkeys(policy for control in self.controls for policy in control.policies))

    def count_of(self, *coverages: Coverage) -> int:
        """How many controls are automated, automated in part, or manual."""
        return sum(control.coverage in coverages for control in self.controls)


def load_standards(directory: Path | str, *, is_proven: bool = False) -> list[Standard]:
    """Every standard in `directory`, by name, with what it extends included; `is_proven` skips what the
    library's own tests have proved. Raises PolicyError with the file and the field.
    """
    root = Path(directory)
    if not root.is_dir():
        raise PolicyError("is not a directory", file=str(root))
    files = sorted(root.glob("*.yaml"))
    own = {standard.name: standard for standard in (load_standard(file, is_proven=is_proven) for file in files)}
    return [_extended(own[name], own, ()) for name in sorted(own)]


def load_standard(file: Path, *, is_proven: bool = False) -> Standard:
    """One standard, without what it extends. Raises PolicyError with the file and the field."""
    try:
        raw = file.read_bytes()
        if len(raw) > MAX_STANDARD_BYTES:
            raise PolicyError(f"is larger than {MAX_STANDARD_BYTES} bytes", file=str(file))
        document = (parse_proven if is_proven else parse_document)(raw.decode())
    except OSError as error:
        raise PolicyError(error.strerror or str(error), file=str(file)) from error
    except PolicyError:
        raise
    except ValueError as error:
        raise PolicyError(" ".join(str(error).split()), file=str(file)) from error
    if not is_proven:
        _check(document, file)
    return _standard(document["metadata"]["name"], document["spec"], str(file))


def _check(document: Any, file: Path) -> None:
    if document is None:
        raise PolicyError("is empty", file=str(file))
    problem = first_problem(validator("standard-v1"), document)
    if problem is not None:
        raise PolicyError(problem[1], file=str(file), field=dotted(problem[0]).lstrip(".") or None)
    name = document["metadata"]["name"]
    if name != file.stem:
        message = f"is {name}, and the file is named {file.stem}; policies name standards by their file"
        raise PolicyError(message, file=str(file), field="metadata.name")
    first_use: dict[str, int] = {}
    for index, control in enumerate(document["spec"]["controls"]):
        where = f"spec.controls[{index}]"
        first = first_use.setdefault(control["id"], index)
        if first != index:
            message = f"{control['id']} is already the id of spec.controls[{first}]"
            raise PolicyError(message, file=str(file), field=f"{where}.id")
        if "policies" not in control and "manual" not in control:
            message = f"{control['id']} has neither policies nor manual, the evidence to gather by hand"
            raise PolicyError(message, file=str(file), field=where)


def _standard(name: str, spec: dict[str, Any], file: str) -> Standard:
    return Standard(
        name=name,
        title=spec["title"],
        version=spec["version"],
        own=tuple(_control(control) for control in spec["controls"]),
        description=spec.get("description", "").strip(),
        scope=spec.get("scope", "").strip(),
        published=spec.get("published"),
        url=spec.get("url"),
        extends=spec.get("extends"),
        file=file,
    )


def _control(spec: dict[str, Any]) -> Control:
    manual = spec.get("manual")
    return Control(
        id=spec["id"],
        title=spec["title"],
        policies=tuple(spec.get("policies", ())),
        manual=manual.strip() if manual else None,
    )


def _extended(standard: Standard, all_of_them: Mapping[str, Standard], above: tuple[str, ...]) -> Standard:
    """The standard with what it extends; a control that it says anew replaces the inherited one."""
    if standard.extends is None:
        return standard
    parent = all_of_them.get(standard.extends)
    if parent is None or parent.name in (*above, standard.name):
        message = f"{standard.extends} is no standard here" if parent is None else f"{parent.name} extends it in turn"
        raise PolicyError(message, file=standard.file, field="spec.extends")
    own_ids = {control.id for control in standard.own}
    inherited = _extended(parent, all_of_them, (*above, standard.name)).controls
    return replace(standard, inherited=tuple(control for control in inherited if control.id not in own_ids))
