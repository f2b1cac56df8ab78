from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from compliance.services.pruning import prune_violations
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_by_id, organization_ids


class Command(BaseCommand):
    help = "Roll off violations that were resolved longer ago than their organization keeps them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and drop nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = "would go" if options["dry_run"] else "went"
        for organization_id in organization_ids():
            with organization_scope(organization_id):
                pruned = prune_violations(is_dry_run=options["dry_run"])
            slug = organization_by_id(organization_id).slug
            if pruned.before is None:
                self.stdout.write(f"{slug}: everything is kept.")
            else:
                self.stdout.write(
                    f"{slug}: {pruned.violation_count} violations resolved before {pruned.before} {verb}, "
                    f"and {pruned.resource_count} resources that were gone."
                )
