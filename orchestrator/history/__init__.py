"""Markets of the past: captured, fetched, imported, played again and judged."""
