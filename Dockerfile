# syntax=docker/dockerfile:1
# docker build -t uijepa .                  the service, without torch
# docker build -t uijepa-train --target train .    recording and training; --build-arg TORCH_INDEX=URL picks the build
#
# docker run --rm -p 8000:8000 --read-only --tmpfs /tmp:size=1g --cap-drop ALL --security-opt no-new-privileges \
#     --memory 3g --stop-timeout 40 uijepa
# Uploads live in /tmp, in memory, until they are answered; what does not fit is answered with 503. A container may take
# UIJEPA_DRAIN_SECONDS to stop. service/deploy has the same for systemd and Kubernetes, and nginx before two of them.

ARG PYTHON=3.11

# ---------------------------------------------------------------- the service's Python packages
FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/venv
# The third-party packages first: they change seldom, so this layer is kept.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY uijepa/__init__.py uijepa/__init__.py
RUN /opt/venv/bin/pip install -c constraints.txt '.[serve,ocr]'
COPY uijepa uijepa
RUN /opt/venv/bin/pip install --no-deps --force-reinstall .

# ---------------------------------------------------------------- training, recording, measuring
FROM python:${PYTHON}-slim AS train
# A package index with the build of torch that is wanted (CPU, CUDA, ROCm); without one, pip's own choice.
ARG TORCH_INDEX=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
# Debian's own pins follow its release; one version of chromium would vanish from the mirror with the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium nodejs npm fonts-liberation fonts-noto-color-emoji \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 uijepa && install -d -o uijepa -g uijepa /data
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY uijepa/__init__.py uijepa/__init__.py
RUN pip install ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} -c constraints.txt -e '.[serve,ocr,train,record,bench]'
COPY uijepa uijepa
RUN npm --prefix uijepa/record/web ci --no-audit --no-fund
COPY service service
COPY export export
COPY datasets datasets
USER 10001
# Recordings and runs are written where the command is told to; /data is there to be mounted.
VOLUME /data
CMD ["python", "-m", "uijepa.train", "--help"]

# ---------------------------------------------------------------- the service (default)
FROM python:${PYTHON}-slim AS serve
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    UIJEPA_HOST=0.0.0.0 UIJEPA_PORT=8000
RUN useradd --system --no-create-home --uid 10001 --shell /usr/sbin/nologin uijepa
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY service service
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['UIJEPA_PORT'] + '/livez', timeout=4)"]
CMD ["python", "-m", "service"]
