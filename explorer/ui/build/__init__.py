"""The Build page: choose a network, change its parts, see its shapes and costs."""
