"""Trying what one point cannot show, and the smallest point that fails."""
