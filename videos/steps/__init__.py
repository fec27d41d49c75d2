"""The steps of a worker: each does one thing to one task, or finds what is to be done.

No step loops or sleeps; the clock is passed in. `videos.jobs` runs them.
"""
