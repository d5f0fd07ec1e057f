"""One architecture of each family through training, pruning, export and int8: does it work?"""
