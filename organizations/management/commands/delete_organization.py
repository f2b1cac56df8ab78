from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import PlumblineError
from organizations.selectors.organizations import organization_by_slug
from organizations.services.deletion import delete_organization


class Command(BaseCommand):
    help = "Delete an organization and everything that it owns, now. Export it first: nothing can be brought back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--confirm", required=True, metavar="SLUG", help="the slug once more")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["confirm"] != options["slug"]:
            raise CommandError("--confirm is another slug than the one to delete: nothing was deleted.")
        try:
            organization = organization_by_slug(options["slug"])
            evidence = delete_organization(organization=organization, progress=self._say)
        except PlumblineError as error:
            raise CommandError(error.detail) from error
        rows = sum(evidence.row_counts.values())
        self.stdout.write(f"{options['slug']} is gone with {rows} rows. The evidence is {evidence.former_id}.")

    def _say(self, table: str, count: int) -> None:
        self.stdout.write(f"{table}: {count}")
