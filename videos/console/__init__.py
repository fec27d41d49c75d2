"""What the staff console has beyond lists and forms of rows: making tasks, inspecting them, the dashboard."""
