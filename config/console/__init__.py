"""What the lists of the staff console share, its site and its theme."""
