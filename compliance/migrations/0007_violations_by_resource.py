"""Violations hang on their resource; intervals on their violation. What they copy from there is not looked up again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0008_raw_reports'),
        ('compliance', '0006_resolved_by_age'),
        ('organizations', '0003_retention_exports_deletion'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='violationinterval',
            name='interval_by_violation',
        ),
        migrations.AlterField(
            model_name='violation',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clusters.cluster'),
        ),
        migrations.AlterField(
            model_name='violation',
            name='organization',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AlterField(
            model_name='violation',
            name='team',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='organizations.team'),
        ),
        migrations.AlterField(
            model_name='violationinterval',
            name='organization',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AlterField(
            model_name='violationinterval',
            name='violation',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='intervals', to='compliance.violation'),
        ),
        migrations.AddIndex(
            model_name='violationinterval',
            index=models.Index(fields=['violation', 'opened_at'], name='interval_of_violation'),
        ),
    ]
