"""How the work of a step is shared between processes; ``choices.Strategy`` says what each strategy does.

``parallel`` has the two in which all workers make every step together; ``parameter_servers`` has the one in which they
do not wait for each other.
"""
