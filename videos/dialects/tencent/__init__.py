"""Tencent Cloud API 3.0: creates and describes videos as MPS does, in its fields, answers and error codes.

Source: the page of CreateAigcVideoTask (seed 000), and the facts, sections 2, 3, 8 and 9.
"""
