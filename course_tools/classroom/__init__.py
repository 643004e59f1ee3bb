"""The classroom: one Linux machine, a room full of browsers. JupyterHub does most of it."""
