"""What must change in a source so that it allows what was approved. Pure."""
