"""Sends the mails that are due in this thread, as the job does."""

from datetime import datetime

from videos.worker.mailing import Mailing


def send_due(mailing: Mailing, now: datetime) -> None:
    for tenant_id in mailing.due(now):
        claimed = mailing.claim(tenant_id, now)
        if claimed is not None:
            mailing.settle(claimed, is_taken=claimed.send())
