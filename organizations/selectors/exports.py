"""Archives that were asked for."""

from organizations.models import Export


def recent_exports() -> list[Export]:
    """Those that are kept, newest first, with who asked. One query."""
    return list(Export.objects.select_related("requested_by").order_by("-requested_at")[:20])
