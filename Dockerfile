# An image with nothing in it but the static program and the certificates that it trusts.
#
#   docker build -t auditor .
#   docker run --rm --network host -v "$PWD:/work" auditor --target http://localhost:9090 --no-report
FROM rust:1.95-alpine AS build
# ring has C in it, and the certificates are copied below.
# Of Alpine's packages the newest is wanted.
# hadolint ignore=DL3018
RUN apk add --no-cache musl-dev ca-certificates-bundle python3
WORKDIR /source
COPY . .
RUN cargo install --locked --profile dist --path . --root /built \
  && packaging/notices "$(rustc --print host-tuple)" >/built/THIRD-PARTY.txt

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /built/bin/auditor /built/bin/async-auditor /usr/local/bin/
COPY --from=build /built/THIRD-PARTY.txt /source/LICENSE /usr/share/doc/auditor/
COPY --from=build --chown=65532:65532 --chmod=1777 /tmp /tmp
ENV PATH=/usr/local/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# Nobody in particular: a report goes into a directory that is mounted and that this user may write to.
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/auditor"]
