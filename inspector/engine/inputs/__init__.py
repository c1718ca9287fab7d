"""The sample input of a model: given as specs, known for a target, or guessed from the model itself."""

from .form import form_fields
from .guess import guess, guess_candidates
from .sample import Sample
from .specs import sample_from_specs

__all__ = ["Sample", "form_fields", "guess", "guess_candidates", "sample_from_specs"]
