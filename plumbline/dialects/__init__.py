"""Policies in the formats that people already have, each read and judged in its own terms."""
