"""The OpenAPI document in docs/ is the one that the code generates."""

from pathlib import Path

from django.core.management import call_command

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.yaml"


def test_the_committed_document_is_up_to_date(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(fresh))
    assert DOCUMENT.read_text() == fresh.read_text(), (
        "Run: manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml"
    )
