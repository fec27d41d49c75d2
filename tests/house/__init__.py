"""Tests of the whole project: documents, settings, layers, processes."""
