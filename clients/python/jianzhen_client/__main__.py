"""`python -m jianzhen_client` prints an access token of the system that the environment names, for curl."""

import sys

from jianzhen_client import from_environment

if __name__ == "__main__":
    with from_environment() as client:
        sys.stdout.write(client.token() + "\n")
