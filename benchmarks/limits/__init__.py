"""The least that each path can cost: the same bytes out, the same bytes kept, and nothing else."""
