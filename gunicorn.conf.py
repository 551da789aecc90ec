"""gunicorn's settings: `flask serve` and systemd both use them.

Threads, because a reader of live results keeps its connection open (server-sent events) and must not hold
up a worker. No access log: a respondent's address and time are written nowhere. Where a proxy stands in
front, its log has to be silent on the same paths (docs/operating.md).
"""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "32"))

# Seconds. A worker that answers nothing for so long is replaced; a stop waits so long for running requests.
timeout = 120
graceful_timeout = 10
keepalive = 5

accesslog = None
errorlog = "-"
# gunicorn writes the address of whoever sent a malformed request at level «warning», hence «error».
loglevel = "error"

# No second way in: processes are managed by `flask serve` or systemd, not over a socket in the home folder.
control_socket_disable = True

# The workers' heartbeat files lie in memory, so that a slow disk never makes a worker look dead.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108

# Long addresses and header bombs are refused before the application sees them.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
