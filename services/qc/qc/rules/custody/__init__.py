"""Who answers for a figure, and whether it may be evidence: pure rules over what was recorded."""
