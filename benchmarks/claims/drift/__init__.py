"""Does the watch on a device find a drift, and how often does it see one that is not there?"""
