"""Hand-written derivatives in NumPy, derived and verified: the fast core and five case studies."""
