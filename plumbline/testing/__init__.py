"""Tests of policies: cases read from `tests.yaml`, judged, and what of the expressions they reach."""
