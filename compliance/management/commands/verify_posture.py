"""`manage.py verify_posture`: recompute what merging keeps up to date; exit 1 and name each difference
if any.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance.services.verification import verify_posture
from organizations.models import Organization
from organizations.scope import directory_scope, organization_scope


class Command(BaseCommand):
    help = "Recompute posture from resources and violations, and fail on any difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="only this one")

    def handle(self, *args: Any, **options: Any) -> None:
        with directory_scope():
            organizations = list(Organization.objects.order_by("slug"))
        if options["organization"]:
            organizations = [one for one in organizations if one.slug == options["organization"]]
            if not organizations:
                raise CommandError(f"There is no organization “{options['organization']}”.")
        difference_count = 0
        for organization in organizations:
            with organization_scope(organization.pk):
                differences = verify_posture()
            difference_count += len(differences)
            for difference in differences:
                self.stdout.write(f"{organization.slug}: {difference}")
        if difference_count:
            raise CommandError(f"{difference_count} differences.")
        self.stdout.write(f"{len(organizations)} organizations verified, no difference.")
