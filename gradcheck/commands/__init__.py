"""What the words after ``gradcheck`` do: a file for each, imported when its word is typed."""
