// The archive's tables (docs/spec-archive.md). They are no collections: no record, batch, realtime, file or expand request can
// name them, and nobody can open a rule by mistake. The only way in is hooks/archive.pb.js.
migrate(
  (app) => {
    const run = (sql) => app.db().newQuery(sql).execute();

    // A row without an instance is what is left of a deleted room: its counter, so that no old statement is taken again.
    run(`CREATE TABLE archive_rooms (
      id TEXT PRIMARY KEY NOT NULL,
      counter INTEGER NOT NULL,
      statement TEXT NOT NULL,
      instance TEXT NOT NULL DEFAULT '',
      epoch INTEGER NOT NULL DEFAULT 0,
      read_key TEXT NOT NULL DEFAULT '',
      edit_key TEXT NOT NULL DEFAULT '',
      comment_key TEXT NOT NULL DEFAULT '',
      blob TEXT NOT NULL DEFAULT '',
      head INTEGER NOT NULL DEFAULT 0,
      segments INTEGER NOT NULL DEFAULT 0,
      bytes INTEGER NOT NULL DEFAULT 0,
      comment_bytes INTEGER NOT NULL DEFAULT 0
    )`);

    // Either data or the name of a file. (room, cursor) is what readers walk along, (room, hash) what makes writing idempotent.
    run(`CREATE TABLE archive_segments (
      room TEXT NOT NULL,
      cursor INTEGER,
      hash BLOB NOT NULL,
      size INTEGER NOT NULL,
      cost INTEGER NOT NULL,
      by_comment INTEGER NOT NULL,
      data BLOB,
      file TEXT,
      UNIQUE (room, hash)
    )`);
    run('CREATE INDEX archive_segments_in_order ON archive_segments (room, cursor)');

    // Files that no row names. Not yet: `since` is when the upload began. No longer: 0, and the file can go.
    run(`CREATE TABLE archive_loose_files (
      file TEXT PRIMARY KEY NOT NULL,
      room TEXT NOT NULL,
      since INTEGER NOT NULL
    )`);

    // A row for each deletion whose traces are still in free pages.
    run('CREATE TABLE archive_purge_due (id INTEGER PRIMARY KEY AUTOINCREMENT)');

    // Inside the writing transaction, of which there is one at a time: cursors follow the order of commits. A time would not.
    run(`CREATE TRIGGER archive_segment_added AFTER INSERT ON archive_segments BEGIN
      UPDATE archive_rooms SET head = head + 1, segments = segments + 1, bytes = bytes + NEW.cost,
        comment_bytes = comment_bytes + NEW.cost * NEW.by_comment WHERE id = NEW.room;
      UPDATE archive_segments SET cursor = (SELECT head FROM archive_rooms WHERE id = NEW.room) WHERE rowid = NEW.rowid;
    END`);

    // Our server counts for each visitor what the archive may cost; here a class behind one address would meet the limit of the
    // whole API. The first rule that fits a path counts.
    const settings = app.settings();
    settings.rateLimits.rules = [
      { label: '/api/archive/', maxRequests: 1000000, duration: 10, audience: '' },
      ...settings.rateLimits.rules,
    ];
    app.save(settings);
  },
  (app) => {
    for (const table of ['archive_segments', 'archive_loose_files', 'archive_purge_due', 'archive_rooms'])
      app.db().newQuery(`DROP TABLE ${table}`).execute();
  },
);
