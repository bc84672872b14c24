"""The registers: what an instrument, a material, a laboratory, a person must show, and until when. Pure."""
