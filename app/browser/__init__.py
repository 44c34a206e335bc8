"""What both frames of the pages share: sessions, CSRF, headers, look, words."""
