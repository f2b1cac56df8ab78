"""The demo: two organizations, their people, and a fleet's life replayed through the report API."""
