# Twinlake's gateway. Any base with Node 24.15 or newer (and, to build, npm) will do: --build-arg BASE=...
ARG BASE=node:24.21.0-bookworm-slim

FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional dependencies are Node itself, for machines that lack it; the base has it.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM ${BASE}
ENV NODE_ENV=production \
    TWINLAKE_DATA_HOST=0.0.0.0 \
    TWINLAKE_ADMIN_HOST=0.0.0.0 \
    TWINLAKE_STATE_DIR=/var/lib/twinlake
WORKDIR /app
# A number, so that Kubernetes can prove it is not root without reading the image's passwd.
RUN mkdir -p /var/lib/twinlake && chown 10001:10001 /var/lib/twinlake
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE* ./
COPY src ./src
USER 10001:10001
# State that must survive the container: the journal, above all.
VOLUME /var/lib/twinlake
# Clients; metrics, health and admin API. The admin port has no authentication: publish it to operators only.
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TWINLAKE_ADMIN_PORT || 9090}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/main.ts"]
# gateway.yaml and routes.yaml are mounted here.
CMD ["serve", "--config", "/etc/twinlake"]
