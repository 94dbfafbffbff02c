"""Models on torch and transformers: weights, forward passes without padding, heads."""
