"""What a layer must be besides right."""
