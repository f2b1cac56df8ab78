"""gunicorn's settings for every way of starting the web: `gunicorn --config config/gunicorn.py …`.

The access log is the application's own (common.requests), which knows who asked and for what organization.
"""

import logging
import os
import tempfile

# Read by the metrics of the workers, which are imported after this; one directory for all of them.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="plumbline-metrics-"))

from common.logs import logging_config

logging.captureWarnings(True)

wsgi_app = "config.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 4
timeout = 60
accesslog = None
logconfig_dict = logging_config(
    form=os.environ.get("LOG_FORMAT", "plain"), level=os.environ.get("LOG_LEVEL", "INFO").upper()
)
