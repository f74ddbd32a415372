"""Plans before anything is rented: prices, costs, fleets, schedules, data and networks.

It computes and knows nothing of Pulumi but the document of a preview. What touches the world is apart: `prices/live_*`
and `prices/refresh` ask clouds and write, `network/probe` measures, `documents` and `*_files` read.
"""
