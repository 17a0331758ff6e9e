"""The demo: an invented organisation with real databases, a real pipeline and people who use the catalog."""
