"""How much of an API its traffic covers: routes, methods, statuses and error paths, and what of it is new."""
