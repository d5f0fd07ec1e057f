"""From a device's budgets to the student that keeps them."""
