"""How many faults of a release are found, measured with faults that nobody chose: source mutants, drawn with a seed."""
