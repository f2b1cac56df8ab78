"""Reports that hold the results of another engine name it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clusters", "0005_queues_counted")]

    operations = [
        migrations.AddField(
            model_name="report",
            name="source",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The other engine whose results it holds; '' for what Plumbline evaluated.",
                max_length=40,
            ),
            preserve_default=False,
        ),
    ]
