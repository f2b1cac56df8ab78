"""Standards: controls of a benchmark or profile, and the policies that automate each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbline.policies import PolicyError


@dataclass(frozen=True, slots=True)
class Control:
    id: str
    title: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standard:
    """`controls` holds this standard's own, after those of the standard that it `extends`."""

    name: str
    title: str
    version: str
    description: str
    controls: tuple[Control, ...]
    extends: str | None = None

    @property
    def policies(self) -> tuple[str, ...]:
        """The ids that selecting this standard selects, without repeats."""
        return tuple(dict.fromkeys(policy for control in self.controls for policy in control.policies))


def load_standards(directory: Path | str) -> list[Standard]:
    """Every standard in `directory`, by name, with what it extends included. Raises PolicyError."""
    own = {standard.name: standard for standard in map(_load, sorted(Path(directory).glob("*.yaml")))}
    return [_extended(own[name], own, ()) for name in sorted(own)]


def _load(file: Path) -> Standard:
    try:
        document: Any = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
        spec = document["spec"]
        controls = tuple(
            Control(str(item["id"]), str(item["title"]), tuple(map(str, item.get("policies", ())))) for item in spec["controls"]
        )
        if document["kind"] != "Standard" or document["apiVersion"] != "plumbline.dev/v1":
            raise PolicyError("is not a plumbline.dev/v1 Standard", file=str(file))
        return Standard(
            name=str(document["metadata"]["name"]),
            title=str(spec["title"]),
            version=str(spec["version"]),
            description=str(spec.get("description", "")).strip(),
            controls=controls,
            extends=spec.get("extends"),
        )
    except (OSError, yaml.YAMLError) as error:
        raise PolicyError(" ".join(str(error).split()), file=str(file)) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"is not a standard: {error!r}", file=str(file)) from error


def _extended(standard: Standard, all_of_them: Mapping[str, Standard], above: tuple[str, ...]) -> Standard:
    if standard.extends is None:
        return standard
    parent = all_of_them.get(standard.extends)
    if parent is None or parent.name in (*above, standard.name):
        raise PolicyError(f"{standard.name} extends {standard.extends}, which is not there or extends it")
    inherited = _extended(parent, all_of_them, (*above, standard.name)).controls
    return Standard(
        name=standard.name,
        title=standard.title,
        version=standard.version,
        description=standard.description,
        controls=inherited + standard.controls,
        extends=standard.extends,
    )
