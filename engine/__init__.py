"""The embedded deployment engine: the server side of Pulumi's protocol, for previews and the local stack."""
