"""Tables of token vectors, which NumPy alone runs."""
