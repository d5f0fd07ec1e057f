"""The graph that devices get, with preprocessing and thresholds in it, and its photographs."""
