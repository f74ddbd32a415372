"""`yard`: Trainyard's command line, one file a command."""
