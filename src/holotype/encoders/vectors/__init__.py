"""The results of encoders, and operations on them."""
