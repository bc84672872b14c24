"""The flows of the authorizer: `gate` decides, `ledger` writes down, `docs` shows what there is."""
