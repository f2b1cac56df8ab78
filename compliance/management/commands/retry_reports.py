"""`manage.py retry_reports`: try the parked reports of an organization again, once their cause is mended."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clusters.models import Report, ReportStatus
from common.errors import Conflict
from compliance.services.retries import retry_report
from organizations.models import Organization
from organizations.scope import directory_scope, organization_scope


class Command(BaseCommand):
    help = "Put the parked reports of an organization back into their clusters' queues."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--cluster", metavar="NAME", help="only those of this cluster")

    def handle(self, *args: Any, **options: Any) -> None:
        with directory_scope():
            organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization “{options['organization']}”.")
        count = 0
        with organization_scope(organization.pk):
            parked = Report.objects.filter(status=ReportStatus.PARKED)
            if options["cluster"]:
                parked = parked.filter(cluster__name=options["cluster"])
            for report_id in parked.order_by("received_at", "id").values_list("pk", flat=True):
                try:
                    retry_report(report_id=report_id, actor=None)
                    count += 1
                except Conflict:  # somebody else decided in the meantime
                    continue
        self.stdout.write(f"{count} report{'' if count == 1 else 's'} of {organization.slug} to be tried again.")
