# Two images: `understudy`, the tool, and `shop`, the example application with the tool beside it.
#
#   docker build --target understudy -t understudy .
#   docker build --target shop -t understudy-shop .
#
# Nothing is written below / but in /tmp and in mounted folders: run them with a read-only root and a tmpfs at /tmp.

FROM python:3.12-slim-bookworm AS wheel
WORKDIR /build
ENV PIP_CONSTRAINT=/build/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY recorder recorder
COPY diffing diffing
COPY replayer replayer
COPY dashboard dashboard
COPY ci ci
RUN pip wheel --no-deps --wheel-dir /wheels .

# The environments have no pip of their own: what runs in production installs nothing.
FROM wheel AS environment
RUN python -m venv --without-pip /opt/understudy \
    && pip --python /opt/understudy/bin/python install "$(echo /wheels/understudy-*.whl)[server,fast,redis]"

FROM environment AS shop-environment
RUN pip --python /opt/understudy/bin/python install "$(echo /wheels/understudy-*.whl)[server,fast,redis,demo]"

FROM python:3.12-slim-bookworm AS base
ENV PATH=/opt/understudy/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 understudy \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin understudy \
    && install --directory --owner=10001 --group=10001 --mode=0750 /snapshots /reports
WORKDIR /srv/understudy

FROM base AS shop
COPY --from=shop-environment /opt/understudy /opt/understudy
COPY examples/shop /srv/shop
WORKDIR /srv/shop
USER 10001:10001
CMD ["python", "-m", "shop.serve", "--help"]

# One image, many commands: which one is healthy when is said where they are run, in docker-compose.yml.
FROM base AS understudy
COPY --from=environment /opt/understudy /opt/understudy
USER 10001:10001
ENTRYPOINT ["understudy"]
CMD ["--help"]
