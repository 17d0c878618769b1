"""What several families have in common; it knows none of them."""
