"""From texts and pairs of texts to tokens."""
