"""What judges the rest: items, graders and measurements."""
