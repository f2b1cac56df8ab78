"""Excepted violations, worst first: they are few among those resolved."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0010_resources_in_order'),
        ('compliance', '0011_violations_in_order'),
        ('organizations', '0003_retention_exports_deletion'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='violation',
            index=models.Index(models.F('organization'), models.OrderBy(models.F('severity'), descending=True), models.OrderBy(models.F('opened_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('status', 'excepted')), name='violation_excepted_worst'),
        ),
    ]
