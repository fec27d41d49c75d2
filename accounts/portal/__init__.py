"""A tenant's pages about keys, bucket and members; those about its videos are in `videos.portal`."""
