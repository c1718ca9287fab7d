"""What the keys do: one class for each owner that `keys.COMMANDS` names."""
