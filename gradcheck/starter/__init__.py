"""What ``gradcheck new`` writes: real files, checked as all others here are, in which only names change."""
