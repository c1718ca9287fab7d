"""The standing attack: random models, keys, bytes, words, files and records, against what the README promises.

`python -m tests.attack` runs it for a minute. A front is a file in `fronts` and a line in its registry.
"""
