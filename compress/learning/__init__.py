"""The one training loop, and what every stage that trains is made of."""
