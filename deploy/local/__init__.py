"""`make up`: Plumbline and its servers on one machine, for a look, for development and for tests."""
