"""What is to run: deployment files and stores, read into frozen records."""
