import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from common.errors import PlumblineError
from organizations.models import User
from organizations.services.organizations import create_organization
from organizations.services.users import create_user, password_link, user_by_email


class Command(BaseCommand):
    help = "Found an organization. An owner without an account gets one, and a link to choose a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", required=True, help="its name in URLs, e.g. acme")
        parser.add_argument("--name", required=True, help="its name for people, e.g. Acme")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who is to be its first owner")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the new account's password from standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else None
        try:
            with transaction.atomic():
                owner, is_new = _owner(options["owner"], password)
                create_organization(slug=options["slug"], name=options["name"], owner=owner)
        except PlumblineError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"Organization {options['slug']} is there, owned by {owner.email}.")
        if is_new and password is None:
            self.stdout.write(
                f"{owner.email} chooses a password here, within the hour: {password_link(owner)}"
            )


def _owner(email: str, password: str | None) -> tuple[User, bool]:
    user = user_by_email(email)
    if user is None:
        return create_user(email=email, password=password), True
    if password is not None:
        raise CommandError(f"{user.email} has an account already: leave --password-stdin out.")
    return user, False
