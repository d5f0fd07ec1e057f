"""The reference, and the limits of its alarms: made where the model was made."""
