"""Keycloak as the realm file says: what is wanted, what is found, what differs, and the steps in between.

`world` and `people` say what is wanted, `plan` what differs (all pure); `keycloak` reads a server and takes
the steps.
"""
