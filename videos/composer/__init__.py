"""Asking for a video at a form: what it offers is the catalogue's, and what it says is the API's.

The console and the portal show the same form. It becomes the body a program would post (`body`), is judged
by the code that judges programs (`form`), and tells its price and effect while it is filled in (`preview`).
"""
