"""What goes wrong between the two services and a run: faults, kills, stops, outages, damaged files."""
