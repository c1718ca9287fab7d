"""The lines of chosen code, told as they run. Knows no torch."""
