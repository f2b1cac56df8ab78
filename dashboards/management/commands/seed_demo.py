"""`manage.py seed_demo`: Acme and Globex, and 90 days of their clusters' life through the real API."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clusters.models import Cluster, Report, Resource
from common.errors import PlumblineError
from compliance.models import Violation
from dashboards.demo.people import ACME, GLOBEX, ensure_organization
from dashboards.demo.posting import PostingError
from dashboards.demo.replay import ACME_CLUSTERS, GLOBEX_CLUSTERS, replay_cluster
from organizations.scope import organization_scope


class Command(BaseCommand):
    help = (
        "Create the demo organizations and replay their fleet's life into the running server. "
        "Running it again goes on where it stopped. DEMO_PASSWORD is everybody's password."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", required=True, help="where the server answers, e.g. http://127.0.0.1:8000"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD", "")
        if not password:
            raise CommandError("Set DEMO_PASSWORD: the password of the demo's people.")
        try:
            for demo, clusters in ((ACME, ACME_CLUSTERS), (GLOBEX, GLOBEX_CLUSTERS)):
                organization = ensure_organization(demo, password=password)
                with organization_scope(organization.pk):
                    for cluster in clusters:
                        # The end is the founding, so that a replay taken up again goes the same way.
                        replay_cluster(
                            organization,
                            cluster,
                            url=options["url"],
                            end=organization.created_at,
                            say=self._say,
                        )
                    self._say(_summary(demo.name))
        except (PlumblineError, PostingError) as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(f"    {text}")
        self.stdout.flush()


def _summary(name: str) -> str:
    open_count = Violation.objects.filter(status="open").count()
    return (
        f"{name}: {Cluster.objects.count()} clusters, {Report.objects.count()} reports, "
        f"{Resource.objects.filter(deleted_at=None).count()} resources, {open_count} open violations."
    )
