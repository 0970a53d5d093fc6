"""The gate tried on applications that other people wrote and use: no false alarm, and switched-on faults found."""
