"""Layers as people write them: where they keep their arrays, how they are called, what is a gradient of what."""
