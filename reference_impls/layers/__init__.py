"""Layers with hand-written backward passes: a file each, all with one interface (`reference_impls.layers.layer`)."""
