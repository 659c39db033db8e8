"""An account to read, and the programs that read it: ours, dlt, and a floor. Each is a process of its own."""
