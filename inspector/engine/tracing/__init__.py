"""What happens inside a forward: operations one by one, and the line of each."""
