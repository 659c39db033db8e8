"""What a user runs to see how fast pgsluice is on his machine, beside its peers."""
