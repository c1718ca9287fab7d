"""Where the first bad value of a pass came from."""
