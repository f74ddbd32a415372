"""Plans before anything is rented: prices, costs, fleets, schedules, data and networks. Pure functions, no Pulumi."""
