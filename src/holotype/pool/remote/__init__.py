"""Models that run elsewhere, under the methods that the pool's handles have."""
