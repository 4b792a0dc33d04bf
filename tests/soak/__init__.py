"""Minutes of posting and mailing while processes are killed, and the proof that nothing was lost: ``make soak``.

Not collected by pytest. A mail server of its own writes down what it accepted, the clients remember what the site
acknowledged, and in the end both are compared with the database.
"""
