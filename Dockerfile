# Builds the app and runs `npm start`'s server in it. PocketBase is fetched at build time, so a container needs no network.
ARG BASE=node:24-slim

FROM ${BASE} AS build
WORKDIR /codeface
COPY package.json package-lock.json .npmrc ./
# Some registries lack packages for other platforms, and npm ci then refuses the lock; install keeps to it too.
RUN npm ci --no-audit || npm install --no-save --no-audit
COPY . .
# bin/ is there even where no PocketBase could be fetched: CodeFace starts without it. Readable whoever the container runs as.
RUN CODEFACE_PRECOMPRESS=1 npm run build && node scripts/fetch-pocketbase.ts bin && npm prune --omit=dev --no-save \
  && mkdir -p bin && chmod -R a+rX bin

FROM ${BASE}
ENV HOST=0.0.0.0 PORT=8420 CODEFACE_DATA=/data CODEFACE_PUBLIC_URL=http://localhost:8420
WORKDIR /codeface
COPY --from=build --chown=node:node /codeface ./
RUN mkdir /data && chown node:node /data && chmod 700 /data
USER node
VOLUME /data
EXPOSE 8420
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "scripts/start.ts"]
