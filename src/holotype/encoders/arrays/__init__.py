"""What NumPy alone runs: layers after a graph, tables of token vectors, weights of words."""
