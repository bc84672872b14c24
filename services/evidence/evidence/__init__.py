"""Listings and procurement checks."""
