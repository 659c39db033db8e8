"""Moves pages from vendors into the database; holds no rules of its own."""
