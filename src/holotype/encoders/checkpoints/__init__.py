"""What the files of a checkpoint say, each value with its file; no tensor is loaded."""
