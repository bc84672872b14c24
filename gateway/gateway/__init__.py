"""The authorizer behind the edge."""
