"""Files of networks that have learnt nothing, which cost what the real ones will."""
