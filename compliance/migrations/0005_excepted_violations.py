"""Violations that an exception covers name it, and so does each stretch of their lives."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0007_parts_and_sessions'),
        ('compliance', '0004_engine_results'),
        ('organizations', '0002_row_level_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='violation',
            name='exception',
            field=models.CharField(blank=True, help_text="The exception that covers it, as reported; '' unless it is excepted.", max_length=253),
        ),
        migrations.AddField(
            model_name='violationinterval',
            name='exception',
            field=models.CharField(blank=True, help_text="The exception that covered it during this stretch; '' while it was open.", max_length=253),
        ),
        migrations.AlterField(
            model_name='violationinterval',
            name='close_reason',
            field=models.CharField(blank=True, choices=[('passed', 'Evaluated and passed'), ('deleted', 'Resource deleted'), ('excepted', 'Covered by an exception'), ('ended', 'No longer excepted')], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='violation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'excepted'), models.Q(('exception', ''), _negated=True)), models.Q(models.Q(('status', 'excepted'), _negated=True), ('exception', '')), _connector='OR'), name='violation_excepted_names_exception'),
        ),
    ]
