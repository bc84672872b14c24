"""The doors of the issuer: machine endpoints (`endpoints`) and the login page (`browser`)."""
