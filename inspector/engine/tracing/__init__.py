"""What happens inside a forward: operations one by one, the line of each, and the first value that goes bad."""
