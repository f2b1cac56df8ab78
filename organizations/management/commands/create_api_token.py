from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import PlumblineError
from organizations.scope import organization_scope
from organizations.selectors.organizations import organization_by_slug
from organizations.services.tokens import issue_api_token
from organizations.services.users import user_by_email


class Command(BaseCommand):
    help = "Issue an API token that acts as a member; standard output is the token and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="a member of the organization")
        parser.add_argument("--name", default="made by manage.py", help="where the token is used")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_by_email(options["user"])
        if user is None:
            raise CommandError(f"There is no account for {options['user']}.")
        try:
            organization = organization_by_slug(options["organization"])
            with organization_scope(organization.pk):
                _, secret = issue_api_token(user=user, name=options["name"])
        except PlumblineError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(secret)
