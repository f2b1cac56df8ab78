"""`manage.py create_cluster`: register a cluster and print its agent token, and nothing else, on stdout."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clusters.models import Environment
from clusters.services.clusters import register_cluster
from clusters.services.tokens import issue_agent_token
from common.errors import PlumblineError
from organizations.models import Organization
from organizations.scope import directory_scope, organization_scope

ACTOR = "manage.py create_cluster"


class Command(BaseCommand):
    help = "Register a cluster and print its agent token, which is shown only this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True)
        parser.add_argument("--environment", required=True, choices=Environment.values)

    def handle(self, *args: Any, **options: Any) -> None:
        with directory_scope():
            organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization “{options['organization']}”.")
        with organization_scope(organization.pk):
            try:
                with transaction.atomic():
                    cluster = register_cluster(
                        name=options["name"], environment=options["environment"], actor_label=ACTOR
                    )
                    _, secret = issue_agent_token(cluster_id=cluster.pk, actor_label=ACTOR)
            except PlumblineError as error:
                raise CommandError(error.detail) from error
        self.stdout.write(secret)
