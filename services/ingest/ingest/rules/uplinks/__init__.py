"""What goes upward, how it is written for the other side, and what its answers mean.

Promises: pure; times to wait and sizes are dated data. Leaves queues, sockets and secrets to `flows.uplinks`.
"""
