"""Which instances to rent, where, and how: a mixed-integer programme that explains its answer."""
