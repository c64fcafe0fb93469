// Segments that others contain (docs/spec-archive.md, ARCH-24 to ARCH-28): since when, in seconds since 1970, and the cursor of the
// one that stays for it, which is itself not superseded. Both are null where a segment counts. A room has the counter of its newest
// superseding or revert, and what waits to be removed.
migrate(
  (app) => {
    const run = (sql) => app.db().newQuery(sql).execute();
    run('ALTER TABLE archive_segments ADD COLUMN superseded_at INTEGER');
    run('ALTER TABLE archive_segments ADD COLUMN superseded_by INTEGER');
    for (const column of ['supersede_counter', 'reverted', 'waiting', 'waiting_bytes'])
      run(`ALTER TABLE archive_rooms ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`);
    // What the sweep and every statement look for, without a look at the rows, which are as long as their bytes.
    run(`CREATE INDEX archive_segments_superseded ON archive_segments (room, superseded_by, superseded_at)
      WHERE superseded_at IS NOT NULL`);
  },
  (app) => {
    const run = (sql) => app.db().newQuery(sql).execute();
    run('DROP INDEX archive_segments_superseded');
    for (const column of ['superseded_at', 'superseded_by'])
      run(`ALTER TABLE archive_segments DROP COLUMN ${column}`);
    for (const column of ['supersede_counter', 'reverted', 'waiting', 'waiting_bytes'])
      run(`ALTER TABLE archive_rooms DROP COLUMN ${column}`);
  },
);
