"""The HTTP doors of `publish`."""

from publish.api import officers, public

ROUTERS = (public.router, officers.router)
