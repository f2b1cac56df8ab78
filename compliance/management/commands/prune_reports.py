from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from clusters.services.raw_reports import oldest_kept_day, partitions, turn_partitions
from compliance.services.pruning import prune_reports
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_ids


class Command(BaseCommand):
    help = "Drop bodies of settled reports by partition (RAW_REPORT_DAYS), and their receipts (RECEIPT_DAYS)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and drop nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["dry_run"]
        if is_dry_run:
            last = f"day_{oldest_kept_day():%Y%m%d}"
            for name, size in partitions():
                self.stdout.write(f"{name}: {size} bytes{', would go' if name < last else ''}")
        else:
            made, dropped = turn_partitions()
            self.stdout.write(f"{dropped} partitions dropped, {made} made.")
        total = 0
        for organization_id in organization_ids():
            with organization_scope(organization_id):
                total += prune_reports(is_dry_run=is_dry_run)
        self.stdout.write(f"{total} receipts {'would go' if is_dry_run else 'dropped'}.")
