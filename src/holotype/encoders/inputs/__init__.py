"""What goes into a model: texts and pairs, as tokens."""
