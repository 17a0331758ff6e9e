"""Forms of levels and labels, of the review, and of categories."""
