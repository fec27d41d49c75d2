"""The steps of a worker: each does one thing to one task, or finds what is to be done.

The clock is passed in, and so is the gate a paid or counted call waits at. `videos.worker.jobs` runs them.
"""
