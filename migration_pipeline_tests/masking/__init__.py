"""What does not leave the machine."""
