"""The pages that compose several rooms."""
