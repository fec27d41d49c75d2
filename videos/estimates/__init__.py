"""How long tasks take, when to poll them, and their positions in their tenant's queue."""
