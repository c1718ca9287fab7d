"""What is done to a model on request beside a pass: a file each, and a field of `Tasks`."""
