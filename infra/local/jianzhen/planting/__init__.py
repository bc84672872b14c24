"""Planted falsifications: real series changed the way falsifiers change them, with the truth beside them."""
