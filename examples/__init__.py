"""Example data that ships with Plumbline, and the code that plays it back."""
