"""Mail: what is said (compose), in which bytes (wire), and how it travels (transport, smtp, outcome)."""
