"""What a plan costs: from the preview document of a stack, a price book, and stated assumptions of use."""
