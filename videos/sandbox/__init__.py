"""The sandbox upstream: a process that speaks API 3.0 the way Tencent Cloud's MPS does.

Run it with `python -m videos.sandbox`. It shares no code with Reelay but the request signature.
"""
