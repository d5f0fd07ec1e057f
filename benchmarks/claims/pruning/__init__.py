"""Does pruning to a latency keep more accuracy than other ways to the same latency?"""
