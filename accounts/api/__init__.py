"""The edges of Django REST framework: who calls, what they may, how often."""
