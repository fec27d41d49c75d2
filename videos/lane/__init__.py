"""The lane: plain creates, status reads and lists that wait at the same moment are served together.

It only answers successes. Whatever is unusual about a request, such as a refusal, a repetition, a rare header
or a form, is left untouched to the route's view, which is the one home of every refusal. Until then nothing
is written and nothing counted.
"""
