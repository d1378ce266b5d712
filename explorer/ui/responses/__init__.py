"""The Responses page: studies of trained and of untrained networks."""
