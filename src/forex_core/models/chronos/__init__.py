"""The chronos member: a pretrained network for time series, read by a light runtime of our own or the official one."""
