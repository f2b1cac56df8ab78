"""Policies out of uploaded files: read, matched to the documents that they are made of, tried on their own tests."""
