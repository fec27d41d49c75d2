"""The rules of requests, by the contract."""
