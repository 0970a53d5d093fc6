"""Real servers for tests: found on the machine, started apart from whatever runs there, gone afterwards."""
