"""`manage.py show_queues`: whose reports wait, and whose are parked, the most first."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clusters.services.backlogs import longest_queues


class Command(BaseCommand):
    help = "List clusters whose reports wait or are parked, over all organizations, the most first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--most", type=int, default=20, help="how many clusters to list (20)")

    def handle(self, *args: Any, **options: Any) -> None:
        queues = longest_queues(most=options["most"])
        if not queues:
            self.stdout.write("No report waits and none is parked.")
            return
        self.stdout.write(f"{'waiting':>8} {'MiB':>8} {'oldest s':>9} {'parked':>7}  cluster")
        for queue in queues:
            self.stdout.write(
                f"{queue.waiting_count:>8} {queue.waiting_bytes / 2**20:>8.1f} {queue.oldest_seconds:>9.0f}"
                f" {queue.parked_count:>7}  {queue.organization}/{queue.cluster} ({queue.cluster_id})"
            )
