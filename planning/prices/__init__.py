"""The price book: what instances are, what they and the services around them cost; every row has source and date."""
