"""Who may log in to a service's database, and what each is besides. Loads nothing: commands ask it too."""

LOGINS = {"migrator": "", "writer": "BYPASSRLS", "reader": ""}
