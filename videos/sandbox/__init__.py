"""The sandbox upstream: a process that implements API 3.0 like Tencent Cloud's MPS and VOD.

Run it with `python -m videos.sandbox`. It shares only the request signature with Reelay.
"""
