# Three images: `runtime` serves, `release` migrates before it does, `test` runs the tests. All of one
# Debian suite; each base can be another one that holds the same.
ARG RUST_IMAGE=rust:1.95-slim-trixie
ARG NODE_IMAGE=node:22-trixie-slim
ARG DEBIAN_IMAGE=debian:trixie-slim

# What npm brings: htmx for the site, axe-core for the tests.
FROM ${NODE_IMAGE} AS npm
WORKDIR /npm
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund

# The dependencies alone: a change of the code does not build them again.
FROM ${RUST_IMAGE} AS dependencies
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV CARGO_TARGET_DIR=/target
ARG CARGO_PROFILE=release
WORKDIR /airline
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/site \
 && echo '//! Nothing yet.' > src/lib.rs \
 && echo 'fn main() {}' | tee build.rs src/main.rs > tests/site/main.rs \
 && cargo build --locked --profile "$CARGO_PROFILE"

# The program, and beside it the few files of Debian's that it runs with.
FROM dependencies AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ARG CARGO_PROFILE=release
COPY . .
COPY --from=npm /npm/node_modules ./node_modules
RUN touch build.rs src/lib.rs src/main.rs \
 && cargo build --locked --profile "$CARGO_PROFILE" \
 && install -D /target/*/airline /root-of-image/usr/bin/airline \
 && install -D /usr/bin/env /root-of-image/usr/bin/env \
 && ldd /root-of-image/usr/bin/* | grep -o '/[^ ]*\.so[^ ]*' | sort -u \
  | while read -r library; do install -D "$library" "/root-of-image$library"; done \
 && install -d -m 1777 /root-of-image/data /root-of-image/tmp

# The tests, against the database that TEST_DATABASE_URL names.
FROM dependencies AS test
RUN cargo test --locked --no-run --test site
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium chromium-driver python3-aiosmtpd python3-django python3-psycopg \
 && rm -rf /var/lib/apt/lists/*
COPY . .
COPY --from=npm /npm/node_modules ./node_modules
RUN touch build.rs src/lib.rs src/main.rs tests/site/main.rs \
 && cargo test --locked --no-run --test site
CMD ["cargo", "test", "--locked", "--test", "site"]

# The migration, with what Heroku streams its log by.
FROM ${DEBIAN_IMAGE} AS release
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /root-of-image/usr/bin/airline /usr/bin/airline
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="airline: migration" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
ENV AIRLINE_REVISION=${REVISION}
USER 10001:10001
CMD ["airline", "migrate", "--wait", "60"]

# The site: no shell, no package manager. `env` starts whatever command follows, and is gone.
FROM scratch AS runtime
COPY --from=build /root-of-image /
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="airline" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/usr/bin PORT=8000 AIRLINE_REVISION=${REVISION}
WORKDIR /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/bin/airline", "healthcheck"]
ENTRYPOINT ["/usr/bin/env"]
CMD ["airline", "serve"]
