"""Why a download failed. No message contains the link, which is a secret."""


class DownloadFailed(Exception):
    """Nothing usable was downloaded."""


class LinkRefused(DownloadFailed):
    """The server does not give us the file: the link has expired, or is wrong. A new link may work."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the link answered {status}")
        self.status = status


class LinkBroken(DownloadFailed):
    """The server could not be reached, failed, or sent a part. The same link may work later."""


class BadAddress(DownloadFailed):
    """The link, or one it redirects to, leads where we contact nobody. Nothing was sent there."""

    def __init__(self, host: str, reason: str) -> None:
        """`host` may be empty, if there is none that can be shown."""
        super().__init__(f"the host {host} is not contacted: {reason}" if host else f"the link: {reason}")
        self.host, self.reason = host, reason


class TooSlow(DownloadFailed):
    """The source sent too little for too long, or the whole took too long."""


class TooLarge(DownloadFailed):
    """The file is larger than allowed, after decoding."""


class NotVideo(DownloadFailed):
    """The file does not begin like an MP4."""


class StorageFull(DownloadFailed):
    """Our own disk has no room; the link is not at fault."""


def without_cause(failure: DownloadFailed) -> DownloadFailed:
    """The failure without what caused it, whose text may hold the link or the password of a proxy."""
    failure.__cause__ = failure.__context__ = None
    return failure
