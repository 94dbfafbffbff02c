"""What encoders return, and what can be done with it afterwards."""
