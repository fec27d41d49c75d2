"""The OpenAPI document of the API: what drf-spectacular cannot read from the views stands here as data.

`manage.py openapi` writes it into `videos/api/openapi.json`, from where web processes serve it: they import
neither this package nor drf-spectacular.
"""
