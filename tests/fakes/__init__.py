"""Stand-ins for vendors, each a stateful server over real HTTP, written from the vendor's published description."""
