"""What portal and console share about keys, buckets and invitations."""
