"""The parts of the soak test: simulated clusters, their agents, what is killed, and what must be true at the end."""
