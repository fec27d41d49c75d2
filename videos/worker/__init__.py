"""The steps of a worker: each acts on one task, or finds work that is due. `videos.worker.jobs` runs them.

The clock is passed in, as is the gate at which a call waits for its rate limit slot.
"""
