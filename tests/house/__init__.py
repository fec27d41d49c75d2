"""What holds for the whole project: documents, settings, layers, processes."""
