"""`twisted.web._auth`: HTTP authentication."""
