"""What the publication rules say: pure functions over figures; no database, no clock."""
