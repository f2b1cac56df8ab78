import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import PlumblineError
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_by_slug
from organizations.services.archives import write_archive


class Command(BaseCommand):
    help = "Write everything that an organization owns into a ZIP of JSON lines, one file for each table."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--output", required=True, metavar="PATH", help="a file, or a directory for SLUG.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(options["output"])
        target = target / f"{options['slug']}.zip" if target.is_dir() else target
        if not target.parent.is_dir():
            raise CommandError(f"There is no directory {target.parent}.")
        try:
            organization = organization_by_slug(options["slug"])
        except PlumblineError as error:
            raise CommandError(error.detail) from error
        # Whole or not at all: nobody takes half an archive for one.
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            written = Path(file.name)
            try:
                with organization_scope(organization.pk):
                    archive = write_archive(organization, file)
                written.chmod(0o600)
                shutil.move(written, target)
            finally:
                written.unlink(missing_ok=True)
        rows = sum(archive.row_counts.values())
        self.stdout.write(f"{rows} rows of {len(archive.row_counts)} tables are in {target}.")
