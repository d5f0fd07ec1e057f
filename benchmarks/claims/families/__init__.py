"""One architecture of each family through training, export and int8: does it work?"""
