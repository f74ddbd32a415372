"""The types of the resources that the local platform is made of."""

DYNAMIC = "pulumi-python:dynamic/"
"""What the type of every Python dynamic resource begins with."""
BUCKET = f"{DYNAMIC}local:Bucket"
CLOUD = f"{DYNAMIC}local:Cloud"
IDENTITY = f"{DYNAMIC}local:Identity"
JOB = f"{DYNAMIC}local:Job"
SERVICE = f"{DYNAMIC}local:Service"
