"""Foreign sites that embed Forum, as small as they can be and still be real."""
