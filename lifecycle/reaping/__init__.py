"""Reaping: what has expired, or was left by a process that is gone, is brought to its end; and how it is prolonged."""
