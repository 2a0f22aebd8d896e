"""A small recurrent network as a member: trained with torch beforehand, asked with NumPy."""
