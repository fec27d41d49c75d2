"""Pages of a person: logging in, passwords, a second factor, invitations."""
