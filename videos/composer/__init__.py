"""The form to request a video, shared by the console and the portal.

It is converted to the body that a program would post (`body`), validated like that (`form`), and shows its
price and effect on limits while it is filled in (`preview`).
"""
