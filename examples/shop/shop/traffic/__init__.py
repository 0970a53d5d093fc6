"""Customers and staff, played over real HTTP: `python -m shop.traffic --url U --wallet W --seed 7`."""
