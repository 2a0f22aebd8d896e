"""What the models see: the rows known at a moment, through the gate."""
