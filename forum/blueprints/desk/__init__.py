"""The moderators' desk: pages that exist for moderators and admins only."""
