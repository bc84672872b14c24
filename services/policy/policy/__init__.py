"""Who may do what: one YAML file and pure evaluation."""
