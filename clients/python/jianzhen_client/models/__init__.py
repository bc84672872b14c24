"""Bodies and answers, by service and group. Made by `make docs`: do not edit."""
