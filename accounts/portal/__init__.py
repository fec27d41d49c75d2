"""Pages of a tenant about itself: keys, bucket, members. Those about its videos are `videos.portal`."""
