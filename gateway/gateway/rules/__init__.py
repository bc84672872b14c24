"""What the authorizer judges without looking anywhere."""
