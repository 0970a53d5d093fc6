"""What the application answers: one router for each resource."""
