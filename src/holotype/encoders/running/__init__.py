"""Run models on what callers pass: windows, batches, devices, progress."""
