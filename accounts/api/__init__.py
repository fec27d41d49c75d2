"""For Django REST framework: authentication, permissions and rate limits of keys."""
