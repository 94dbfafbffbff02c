"""Classifiers that need no model: patterns, and the checksums of what they find."""
