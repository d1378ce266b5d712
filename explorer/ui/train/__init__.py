"""The Train page: the form, and one experiment as it trains."""
