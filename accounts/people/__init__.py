"""A person's own pages: log-in, passwords, second factor, sessions, invitations."""
