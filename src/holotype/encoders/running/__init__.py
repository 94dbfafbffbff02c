"""From what a caller passes to what a model returns: windows, batches, devices, progress."""
