FROM python:3.12-slim

# A user of its own; what it writes lies in one volume.
RUN useradd --system --uid 10001 --create-home xunren && install -d -o xunren /data
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY search search
COPY indexer indexer
COPY api api
# hadolint ignore=DL3013
RUN pip install --no-cache-dir '.[postgres]' && rm -rf /src/*

USER 10001
WORKDIR /data
ENV HF_HUB_OFFLINE=1 XUNREN_DATA_DIR=/data
VOLUME /data
ENTRYPOINT ["xunren"]
CMD ["--help"]
