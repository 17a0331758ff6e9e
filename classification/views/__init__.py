"""Pages of levels, of the review of suggestions, of categories and rules, and of coverage."""
