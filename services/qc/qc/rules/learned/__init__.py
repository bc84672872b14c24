"""A learned detector beside the rules: what a series is used to, and which days it is not."""
