"""`manage.py sync_library`: bring the library's policies and standards into the database; runs after
migrate.
"""

from typing import Any

from django.core.management.base import BaseCommand

from compliance.services.library import sync_library


class Command(BaseCommand):
    help = "Bring the library's policies and standards into the database. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = sync_library()
        self.stdout.write(
            f"Policies: {outcome.added_count} added, {outcome.changed_count} changed, "
            f"{outcome.retired_count} retired. Standards: {outcome.standard_count}."
        )
