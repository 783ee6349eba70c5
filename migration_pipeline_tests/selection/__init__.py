"""What the settings leave out."""
