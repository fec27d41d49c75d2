"""The staff console's pages for videos: dashboard, tasks, events, prices, ledger, upstream accounts, jobs."""
