"""Board targets: synthesis, placement and routing of the array."""
