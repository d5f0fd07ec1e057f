"""Does the sampler of a search find more than random choices do, in the same hours?"""
