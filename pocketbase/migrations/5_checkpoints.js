// A room's checkpoint (docs/spec-archive.md, ARCH-30 to ARCH-32): always a file, so that nothing of the one before stays in free pages.
// It counts in archive_rooms.bytes; `covered` is the least that counted besides it since it came.
migrate(
  (app) => {
    const run = (sql) => app.db().newQuery(sql).execute();
    run(`CREATE TABLE archive_checkpoints (
      room TEXT PRIMARY KEY NOT NULL,
      size INTEGER NOT NULL,
      cost INTEGER NOT NULL,
      covered INTEGER NOT NULL,
      file TEXT NOT NULL
    )`);
    run(`CREATE TRIGGER archive_checkpoint_added AFTER INSERT ON archive_checkpoints BEGIN
      UPDATE archive_rooms SET bytes = bytes + NEW.cost WHERE id = NEW.room;
    END`);
    // Whatever it goes for, its file goes with it.
    run(`CREATE TRIGGER archive_checkpoint_gone AFTER DELETE ON archive_checkpoints BEGIN
      UPDATE archive_rooms SET bytes = bytes - OLD.cost WHERE id = OLD.room;
      INSERT INTO archive_loose_files (file, room, since) VALUES (OLD.file, OLD.room, 0);
    END`);
    // After a superseding the history grows from less.
    run(`CREATE TRIGGER archive_checkpoint_covers_less AFTER UPDATE OF bytes ON archive_rooms WHEN NEW.bytes < OLD.bytes BEGIN
      UPDATE archive_checkpoints SET covered = min(covered, NEW.bytes - cost) WHERE room = NEW.id;
    END`);
  },
  (app) => {
    const run = (sql) => app.db().newQuery(sql).execute();
    for (const which of ['covers_less', 'gone', 'added']) run(`DROP TRIGGER archive_checkpoint_${which}`);
    run('DROP TABLE archive_checkpoints');
  },
);
