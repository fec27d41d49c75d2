"""Calls a second of each tenant, counted exactly over all processes."""

from uuid import UUID

from config.db import prepared

_RECENT = "moment > clock_timestamp() - interval '1 second'"
# Whoever waits for the row's lock looks at the clock, and at the row, only once it has it.
_TAKE = f"""
INSERT INTO videos_recentcalls AS known (tenant_id, action, moments)
VALUES (%(tenant)s::uuid, %(action)s::text, ARRAY[clock_timestamp()])
ON CONFLICT (tenant_id, action) DO UPDATE
    SET moments = ARRAY(SELECT moment FROM unnest(known.moments) moment WHERE {_RECENT}) || clock_timestamp()
    WHERE (SELECT count(*) FROM unnest(known.moments) moment WHERE {_RECENT}) < %(most)s::int
RETURNING 1
"""  # noqa: S608 - made of a constant


def take(tenant_id: UUID, action: str, most: int) -> bool:
    """Count a call, unless the tenant has made `most` of that action within the last second.

    Returns whether it was counted.
    """
    values = {"tenant": tenant_id, "action": action, "most": most}
    return prepared.fetch(_TAKE, values) is not None
