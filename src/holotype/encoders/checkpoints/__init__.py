"""What the files of a checkpoint say, each value with the file that says it; no tensor is loaded."""
