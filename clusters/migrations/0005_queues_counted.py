"""Queues and intake days closed to other organizations; a trigger that counts what waits, wherever it is written from."""

from django.db import migrations

from common.database import DIRECTORY_SETTING, RowLevelSecurity

COUNT = """
CREATE FUNCTION clusters_count_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO clusters_reportqueue AS queue
            (organization_id, cluster_id, waiting_count, waiting_bytes, parked_count, waiting_since)
        VALUES (NEW.organization_id, NEW.cluster_id,
            (NEW.status = 'accepted')::int,
            CASE WHEN NEW.status = 'accepted' THEN coalesce(octet_length(NEW.body), 0) ELSE 0 END,
            (NEW.status = 'parked')::int,
            CASE WHEN NEW.status = 'accepted' THEN NEW.received_at END)
        ON CONFLICT (cluster_id) DO UPDATE SET
            waiting_count = queue.waiting_count + EXCLUDED.waiting_count,
            waiting_bytes = queue.waiting_bytes + EXCLUDED.waiting_bytes,
            parked_count = queue.parked_count + EXCLUDED.parked_count,
            waiting_since = least(queue.waiting_since, EXCLUDED.waiting_since);
        RETURN NULL;
    END IF;
    -- The lock comes first, so that the oldest report is looked for among all that others have committed.
    PERFORM 1 FROM clusters_reportqueue
        WHERE organization_id = OLD.organization_id AND cluster_id = OLD.cluster_id FOR UPDATE;
    -- In a trigger of DELETE, NEW is null.
    UPDATE clusters_reportqueue SET
        waiting_count = waiting_count
            - (OLD.status = 'accepted')::int + coalesce((NEW.status = 'accepted')::int, 0),
        waiting_bytes = waiting_bytes
            - CASE WHEN OLD.status = 'accepted' THEN coalesce(octet_length(OLD.body), 0) ELSE 0 END
            + CASE WHEN NEW.status = 'accepted' THEN coalesce(octet_length(NEW.body), 0) ELSE 0 END,
        parked_count = parked_count
            - (OLD.status = 'parked')::int + coalesce((NEW.status = 'parked')::int, 0),
        waiting_since = (
            SELECT min(received_at) FROM clusters_report AS report
            WHERE report.organization_id = OLD.organization_id AND report.cluster_id = OLD.cluster_id
                AND report.status = 'accepted')
    WHERE organization_id = OLD.organization_id AND cluster_id = OLD.cluster_id;
    RETURN NULL;
END $$;

CREATE TRIGGER report_comes AFTER INSERT ON clusters_report
    FOR EACH ROW WHEN (NEW.status IN ('accepted', 'parked')) EXECUTE FUNCTION clusters_count_queue();
CREATE TRIGGER report_changes AFTER UPDATE OF status ON clusters_report
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION clusters_count_queue();
CREATE TRIGGER report_goes AFTER DELETE ON clusters_report
    FOR EACH ROW WHEN (OLD.status IN ('accepted', 'parked')) EXECUTE FUNCTION clusters_count_queue();
"""

UNCOUNT = """
DROP TRIGGER report_comes ON clusters_report;
DROP TRIGGER report_changes ON clusters_report;
DROP TRIGGER report_goes ON clusters_report;
DROP FUNCTION clusters_count_queue();
"""

# The owner is bound by row-level security as everybody is, and no organization is in scope here.
COUNT_WHAT_IS_THERE = """
ALTER TABLE clusters_report NO FORCE ROW LEVEL SECURITY;
INSERT INTO clusters_reportqueue
    (organization_id, cluster_id, waiting_count, waiting_bytes, parked_count, waiting_since)
SELECT organization_id, cluster_id,
    count(*) FILTER (WHERE status = 'accepted'),
    coalesce(sum(octet_length(body)) FILTER (WHERE status = 'accepted'), 0),
    count(*) FILTER (WHERE status = 'parked'),
    min(received_at) FILTER (WHERE status = 'accepted')
FROM clusters_report WHERE status IN ('accepted', 'parked') GROUP BY organization_id, cluster_id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE clusters_report FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("clusters", "0004_report_queues")]

    operations = [
        migrations.RunSQL(COUNT, UNCOUNT),
        migrations.RunSQL(COUNT_WHAT_IS_THERE, migrations.RunSQL.noop),
        RowLevelSecurity(
            "clusters_reportqueue", also=f"(SELECT current_setting('{DIRECTORY_SETTING}', true)) = 'on'"
        ),
        RowLevelSecurity("clusters_intakeday"),
    ]
