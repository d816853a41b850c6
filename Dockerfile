# The image: Node, what the node's rules are set with, and the program; no package manager, user 0, node-cache's entry point.
#
#     docker buildx build --platform linux/amd64,linux/arm64 --build-arg NODE_IMAGE=docker.io/library/node@sha256:... .
#
# .ci/release gives the digest, which pins the base for good; by its tag alone the base is whatever the tag means on that day.
# `npm run image:check` builds it without a registry and shows what is in it. Debian's release is the one that the tests run on.
ARG NODE_IMAGE=docker.io/library/node:26.10.0-bookworm-slim

# JavaScript is the same for every architecture: it is built on the builder's.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --prefer-offline --no-audit --no-fund
COPY LICENSE tsconfig.json ./
COPY deploy/image ./deploy/image
COPY deploy/nodelocaldns.yaml ./deploy/
COPY src ./src
RUN npm run build
# The packages of the image's architecture, in a place of their own.
ARG TARGETARCH
RUN cpu=$(echo "$TARGETARCH" | sed 's/^amd64$/x64/') \
  && mkdir /packages && cp package.json package-lock.json /packages \
  && (cd /packages && npm ci --omit=dev --ignore-scripts --prefer-offline --no-audit --no-fund --os=linux --cpu="$cpu" --libc=glibc) \
  && node deploy/image/pack.ts /program --packages /packages/node_modules --cpu "$cpu"

FROM ${NODE_IMAGE} AS root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils
COPY deploy/image/root.sh /
RUN sh /root.sh /root-directory "$(command -v node)"

FROM scratch
# What changes rarely is a layer of its own, which nodes keep over an upgrade.
COPY --from=root /root-directory/ /
COPY --from=build /program/ /
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=
LABEL org.opencontainers.image.title="Zerohop" \
  org.opencontainers.image.description="Node-resident DNS cache for Kubernetes, a drop-in replacement of node-cache (NodeLocal DNSCache)" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.created="$CREATED" \
  org.opencontainers.image.source="$SOURCE"
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin \
  ZEROHOP_REVISION=$REVISION
# The stock manifest names no user, and the capabilities that a manifest adds are effective for user 0 only.
USER 0
ENTRYPOINT ["/node-cache"]
