"""Resources by kind, by name and by their last change, as lists ask for them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0009_first_scan'),
        ('organizations', '0003_retention_exports_deletion'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['organization', 'kind'], name='resource_by_kind'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['organization', 'name', 'namespace', 'id'], name='resource_in_order'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(models.F('organization'), models.OrderBy(models.F('changed_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at', None)), name='resource_changed'),
        ),
    ]
