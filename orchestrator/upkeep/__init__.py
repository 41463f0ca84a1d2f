"""What a run does by itself besides trading: its jobs, and who drives them."""
