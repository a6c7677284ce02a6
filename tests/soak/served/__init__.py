"""What the soaked service serves, one file a kind."""
