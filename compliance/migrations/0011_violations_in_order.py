"""Violations of every status, and the open ones of a policy, worst first."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0010_resources_in_order'),
        ('compliance', '0010_fleet_triggers'),
        ('organizations', '0003_retention_exports_deletion'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='violation',
            name='violation_open_policy',
        ),
        migrations.AddIndex(
            model_name='violation',
            index=models.Index(models.F('organization'), models.F('policy'), models.OrderBy(models.F('severity'), descending=True), models.OrderBy(models.F('opened_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('status', 'open')), name='violation_open_by_policy'),
        ),
        migrations.AddIndex(
            model_name='violation',
            index=models.Index(models.F('organization'), models.OrderBy(models.F('severity'), descending=True), models.OrderBy(models.F('opened_at'), descending=True), models.OrderBy(models.F('id'), descending=True), name='violation_worst'),
        ),
    ]
