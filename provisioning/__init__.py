"""The technician's tool: puts the application on a node and shows that it works."""
