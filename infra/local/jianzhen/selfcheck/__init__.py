"""Checking a file before it is sent: reading it, having it judged, writing down what was found."""
