"""The close of a day: which days are due, what is judged together, and what becomes of what stood."""
