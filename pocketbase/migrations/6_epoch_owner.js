// Who was the first to register a room's epoch (docs/spec-archive.md, ARCH-22), in hex; empty in rows from before.
migrate(
  (app) => {
    app.db().newQuery(`ALTER TABLE archive_rooms ADD COLUMN epoch_owner TEXT NOT NULL DEFAULT ''`).execute();
  },
  (app) => {
    app.db().newQuery('ALTER TABLE archive_rooms DROP COLUMN epoch_owner').execute();
  },
);
