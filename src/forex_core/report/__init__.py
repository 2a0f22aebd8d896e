"""What people read: one self-contained HTML file a forecast."""
