"""Small forms: one frame, a few fields, and what is done with them."""
