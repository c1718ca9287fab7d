"""Verbs that ask an engine one question about a target, and print its answer: a file each, and how it is asked."""
