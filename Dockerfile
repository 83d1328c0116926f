# The service alone: its database and nginx are containers of their own (docker-compose.yml).
# Python 3.11 is what all tests run on.
# `make digests` pins both images to what their tag is that day.
FROM python:3.11.16-slim-bookworm AS build
# By the hashes that uv.lock has of it, for both kinds of machine.
RUN printf '%s %s %s\n' 'uv==0.13.9' \
        '--hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19' \
        '--hash=sha256:ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375' \
        > /tmp/uv.txt \
    && pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /tmp/uv.txt
WORKDIR /app
ENV UV_PROJECT_ENVIRONMENT=/app/.venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
# The locked dependencies first: they change less often than the code does.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --extra s3 --no-install-project
COPY src/ src/
COPY alembic/ alembic/
COPY docs/ docs/
RUN uv sync --locked --no-dev --extra s3 --no-editable

FROM python:3.11.16-slim-bookworm
# The id is part of what is deployed: the files on the volume belong to it.
RUN groupadd --gid 10001 image-service \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin image-service \
    && install -d -o image-service -g image-service -m 0755 /data
COPY --from=build /app/.venv /app/.venv
# Nothing but /data and /tmp (the workers' socket) is ever written to: run it with --read-only.
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    IMAGE_SERVICE_HOST=0.0.0.0 \
    IMAGE_SERVICE_PORT=8000 \
    IMAGE_SERVICE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['IMAGE_SERVICE_PORT'] + '/health/ready', timeout=4)"]
ENTRYPOINT ["image-service"]
CMD ["serve"]
