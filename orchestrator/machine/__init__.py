"""What a run stands on here: its folder, Ray, the processes it starts, and what they may see, leave and open."""
