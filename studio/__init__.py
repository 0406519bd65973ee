"""Sampling Studio: the window, the command line, exports and recipes around `models`."""
