"""What ``gradcheck verify`` does: find the cases, run them, draw what came."""
