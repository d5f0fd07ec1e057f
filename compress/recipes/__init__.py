"""What a recipe is, and what can be known of one before it runs; the shipped ones lie here."""
