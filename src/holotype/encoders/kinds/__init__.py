"""What a model is: how its record and its checkpoint together say that it is run."""
