"""The policy pack: rules that stop an insecure or careless deployment before it exists."""
