"""Reports as they came in, kept for some days after they were merged: one partition for each day."""

from django.db import models

from organizations.models import OwnedModel


class RawReport(OwnedModel):
    """The body of a settled report. The table is partitioned by day; whole days are dropped, never rows.

    Its partitions lie in a schema that the application's role cannot enter, so that every way to them leads through
    this table and its row-level security. Functions of the owner make and drop them.
    """

    id = models.UUIDField(primary_key=True, help_text="The report's own.")
    cluster = models.ForeignKey("clusters.Cluster", on_delete=models.CASCADE, related_name="+")
    settled_on = models.DateField(help_text="The UTC day on which it was merged.")
    body = models.BinaryField()

    class Meta(OwnedModel.Meta):
        indexes = [models.Index(fields=["organization", "id"], name="raw_report_by_organization")]

    def __str__(self) -> str:
        return str(self.id)
