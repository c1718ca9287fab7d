"""The lines of the calls of a pass: in the order of their ends, or below those that made them."""
