"""Snapshots in parts, sessions of agents, and what is known by digest; bodies that are read in slices."""

import common.clock
import common.ids
import django.db.models.deletion
from django.db import migrations, models

from common.database import RowLevelSecurity


class Migration(migrations.Migration):

    dependencies = [
        ('clusters', '0006_report_source'),
        ('organizations', '0002_row_level_security'),
    ]

    operations = [
        migrations.CreateModel(
            name='AgentSession',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('session_id', models.UUIDField(help_text="The agent's own.")),
                ('last_sequence', models.PositiveBigIntegerField(help_text='The highest that came in.')),
                ('last_scanned_at', models.DateTimeField(help_text='The newest time of its reports: they never run backwards.')),
                ('started_at', models.DateTimeField(default=common.clock.now)),
                ('last_at', models.DateTimeField(default=common.clock.now)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='ReportPart',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('report_id', models.UUIDField(help_text="The sender's own id of the snapshot, the same in all its parts.")),
                ('number', models.PositiveIntegerField(help_text='From 1, in any order.')),
                ('closing', models.JSONField(help_text='What the closing part says of all: {parts, resources, digest}.', null=True)),
                ('head', models.JSONField(help_text='The report without its resources; what all parts must agree on, and more.')),
                ('head_digest', models.CharField(help_text='SHA-256 of what all parts must agree on.', max_length=64)),
                ('received_at', models.DateTimeField(default=common.clock.now)),
                ('body', models.BinaryField(help_text='Its lines, as keeping.py says.')),
                ('body_digest', models.CharField(help_text='SHA-256 of the expanded body, hexadecimal.', max_length=64)),
                ('body_bytes', models.PositiveIntegerField(help_text='Expanded size in bytes.')),
                ('resource_count', models.PositiveIntegerField(default=0)),
                ('known_count', models.PositiveIntegerField(default=0)),
                ('result_count', models.PositiveIntegerField(default=0)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.AddField(
            model_name='cluster',
            name='snapshot_wanted_at',
            field=models.DateTimeField(help_text='Something up to this instant was missed: only a newer, complete snapshot makes up for it.', null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='clock_skew_seconds',
            field=models.FloatField(help_text="How far the sender's clock was ahead of ours, if that is known.", null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='known_count',
            field=models.PositiveIntegerField(default=0, help_text='Resources named by their digest alone.'),
        ),
        migrations.AddField(
            model_name='report',
            name='part_count',
            field=models.PositiveIntegerField(default=1, help_text='How many parts it came in.'),
        ),
        migrations.AddField(
            model_name='report',
            name='policy_set',
            field=models.CharField(blank=True, help_text='The digest of what it was evaluated by.', max_length=64),
        ),
        migrations.AddField(
            model_name='report',
            name='sequence',
            field=models.PositiveBigIntegerField(help_text='Its number in the session, from 1.', null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='session_id',
            field=models.UUIDField(help_text='One run of an agent.', null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='unknown',
            field=models.JSONField(default=list, help_text='Their group, kind, namespace and name; at most 1,000 of them.'),
        ),
        migrations.AddField(
            model_name='report',
            name='unknown_count',
            field=models.PositiveIntegerField(default=0, help_text='Those of them whose digest was not ours.'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.UniqueConstraint(condition=models.Q(('session_id__isnull', False)), fields=('organization', 'cluster', 'session_id', 'sequence'), name='report_sequence_unique'),
        ),
        migrations.AddField(
            model_name='agentsession',
            name='cluster',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='clusters.cluster'),
        ),
        migrations.AddField(
            model_name='agentsession',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddField(
            model_name='reportpart',
            name='cluster',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='clusters.cluster'),
        ),
        migrations.AddField(
            model_name='reportpart',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='organizations.organization'),
        ),
        migrations.AddConstraint(
            model_name='agentsession',
            constraint=models.UniqueConstraint(fields=('organization', 'cluster', 'session_id'), name='agent_session_unique'),
        ),
        migrations.AddIndex(
            model_name='reportpart',
            index=models.Index(fields=['organization', 'received_at'], name='report_part_age'),
        ),
        migrations.AddConstraint(
            model_name='reportpart',
            constraint=models.UniqueConstraint(fields=('organization', 'cluster', 'report_id', 'number'), name='report_part_unique'),
        ),
        RowLevelSecurity("clusters_reportpart"),
        RowLevelSecurity("clusters_agentsession"),
        # Slices of what is compressed already are found without reading what stands before them.
        migrations.RunSQL(
            "ALTER TABLE clusters_report ALTER COLUMN body SET STORAGE EXTERNAL;"
            "ALTER TABLE clusters_reportpart ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE clusters_report ALTER COLUMN body SET STORAGE EXTENDED",
        ),
    ]
