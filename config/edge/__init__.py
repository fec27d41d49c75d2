"""The ASGI application: reads requests, refuses bad ones before authentication, and runs Django."""
