"""Shapes as people write them, and points that have them."""
