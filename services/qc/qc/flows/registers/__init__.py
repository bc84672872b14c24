"""The registers: records entered and judged, deadlines watched, findings raised and closed."""
