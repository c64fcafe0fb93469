// Who owns a room (docs/spec-archive.md, ARCH-22): all owners statements, in hex one after the other, and the keys that count now, in
// hex with commas. Both are empty where the key that the room is named by is the only one. They outlive a deletion.
migrate(
  (app) => {
    for (const column of ['owners', 'owner_keys'])
      app.db().newQuery(`ALTER TABLE archive_rooms ADD COLUMN ${column} TEXT NOT NULL DEFAULT ''`).execute();
  },
  (app) => {
    for (const column of ['owners', 'owner_keys'])
      app.db().newQuery(`ALTER TABLE archive_rooms DROP COLUMN ${column}`).execute();
  },
);
