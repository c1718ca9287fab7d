"""What a step holds in memory, asked and shown."""
