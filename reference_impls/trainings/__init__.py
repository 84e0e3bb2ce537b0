"""Two trainings of networks made of `reference_impls.layers`, each by one command that draws a picture."""
