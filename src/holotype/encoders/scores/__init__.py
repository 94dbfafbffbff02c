"""From vectors and logits to scores and labels."""
