// The only way to the archive's tables (migrations/2_archive.js, docs/spec-archive.md):
//
//   GET  /api/archive/{room}                      the room, for its read key
//   GET  /api/archive/{room}/append               which append key this is
//   GET  /api/archive/{room}/segments?since=      a page, for the read key
//   GET  /api/archive/{room}/files/{file}         a large segment, for the read key
//   POST /api/archive/{room}/segments             a batch, for an append key
//   POST /api/archive/{room}/register             a room's keys, verified by our server
//   POST /api/archive/{room}/delete               likewise
//   POST /api/archive/{room}/owners               who owns a room, likewise
//   GET  /api/archive/{room}/superseded           what waits to be removed, for the read key
//   POST /api/archive/{room}/supersede            segments that others contain, or that none is; verified likewise
//   GET  /api/archive/{room}/checkpoint           where its checkpoint is, and what it covers, for the read key
//   GET  /api/archive/{room}/checkpoint/append    whether this is the key that one comes with
//   POST /api/archive/{room}/checkpoint           a checkpoint, for the edit key
//   POST /api/archive/sweep?age=&after=           removes what has waited so many seconds
//   POST /api/archive/tidy                        files that nobody names, and free pages
//
// Only our own server gets in: it shares a secret with this process, made at its start. It checks signatures, sizes and hashes, and
// sends the SHA-256 of a room's key, never the key. An answer that is expected has status 200 and an `outcome`; anything else is
// a fault, which our server calls "later". Each handler runs in an engine of its own and sees nothing outside itself.

const inside = (e) => {
  const secret = $os.getenv('CODEFACE_ARCHIVE_SECRET');
  if (!secret || !$security.equal(e.request.header.get('X-Archive-Secret'), secret))
    return e.json(404, { outcome: 'unknown-route' });
  // PocketBase would turn a full disk into a 400.
  try {
    return e.next();
  } catch (error) {
    console.error(`archive: ${error}`);
    return e.json(503, { outcome: 'later' });
  }
};

// Every request that needs a room's key, before anything else of it is read.
const withRoom = (e) => {
  const rooms = arrayOf(
    new DynamicModel({
      instance: '',
      counter: 0,
      epoch: 0,
      read_key: '',
      edit_key: '',
      comment_key: '',
      blob: '',
      head: 0,
      segments: 0,
      bytes: 0,
      supersede_counter: 0,
      reverted: 0,
      waiting: 0,
      waiting_bytes: 0,
    }),
  );
  e.app
    .db()
    .newQuery(
      `SELECT instance, counter, epoch, read_key, edit_key, comment_key, blob, head, segments, bytes,
         supersede_counter, reverted, waiting, waiting_bytes
       FROM archive_rooms WHERE id = {:room} AND instance != ''`,
    )
    .bind({ room: e.request.pathValue('room') })
    .all(rooms);
  if (rooms.length === 0) return e.json(200, { outcome: 'unknown-room' });
  const room = rooms[0];
  const key = e.request.header.get('X-Room-Key-Hash');
  const appends = e.request.method === 'POST' || e.request.url.path.endsWith('/append');
  const by = appends
    ? $security.equal(key, room.edit_key)
      ? 'edit'
      : $security.equal(key, room.comment_key)
        ? 'comment'
        : ''
    : $security.equal(key, room.read_key)
      ? 'read'
      : '';
  if (by === '') return e.json(200, { outcome: 'wrong-key' });
  e.set('room', room);
  e.set('by', by);
  return e.next();
};

routerAdd(
  'GET',
  '/api/archive/{room}',
  (e) => {
    const { instance, counter, epoch, segments, bytes, head, blob } = e.get('room');
    return e.json(200, { outcome: 'ok', instance, counter, epoch, segments, bytes, cursor: head, blob });
  },
  inside,
  withRoom,
);

routerAdd('GET', '/api/archive/{room}/append', (e) => e.json(200, { outcome: 'ok' }), inside, withRoom);

routerAdd(
  'GET',
  '/api/archive/{room}/segments',
  (e) => {
    const query = e.request.url.query();
    const since = Number(query.get('since'));
    const [maxSegments, maxBytes] = [Number(query.get('segments')), Number(query.get('bytes'))];
    const of = { room: e.request.pathValue('room'), since };
    const that = query.get('live') === '1' ? 'superseded_at IS NULL' : 'true';
    // Sizes first: the engine must not hold more than a page.
    const ahead = arrayOf(new DynamicModel({ cursor: 0, size: 0 }));
    e.app
      .db()
      .newQuery(
        `SELECT cursor, size FROM archive_segments WHERE room = {:room} AND cursor > {:since} AND ${that}
         ORDER BY cursor LIMIT {:limit}`,
      )
      .bind({ ...of, limit: maxSegments + 1 })
      .all(ahead);
    let [taken, bytes] = [0, 0];
    while (taken < Math.min(ahead.length, maxSegments)) {
      bytes += ahead[taken].size;
      if (taken > 0 && bytes > maxBytes) break;
      taken++;
    }
    const { instance, head } = e.get('room');
    const page = { outcome: 'ok', instance, next: head, more: taken < ahead.length, segments: [] };
    if (taken === 0) return e.json(200, page);
    page.next = ahead[taken - 1].cursor;
    page.segments = arrayOf(new DynamicModel({ size: 0, data: '', file: '' }));
    e.app
      .db()
      .newQuery(
        `SELECT size, coalesce(hex(data), '') AS data, coalesce(file, '') AS file FROM archive_segments
         WHERE room = {:room} AND cursor > {:since} AND cursor <= {:next} AND ${that} ORDER BY cursor`,
      )
      .bind({ ...of, next: page.next })
      .all(page.segments);
    // Deleted, removed or superseded in between: what is left is no page.
    if (page.segments.length !== taken) return e.json(503, { outcome: 'later' });
    return e.json(200, page);
  },
  inside,
  withRoom,
);

routerAdd(
  'GET',
  '/api/archive/{room}/files/{file}',
  (e) => {
    const files = e.app.newFilesystem();
    try {
      const [room, file] = [e.request.pathValue('room'), e.request.pathValue('file')];
      files.serve(e.response, e.request, `archive/${room}/${file}`, 'segment');
    } finally {
      files.close();
    }
  },
  inside,
  withRoom,
);

// Form: batch (JSON, a list of {hash, size, data?: hex, file?: name}), files (JSON, the names of the parts, in order), part (each
// a file), quota, comments and stored (the caps of bytes: of what counts, of what comes with the comment key, of all there is), spare (bytes
// above the quota for the edit key).
routerAdd(
  'POST',
  '/api/archive/{room}/segments',
  (e) => {
    const room = e.request.pathValue('room');
    const by = e.get('by');
    const batch = e.request.formValue('batch');
    const names = JSON.parse(e.request.formValue('files'));
    const parts = names.length > 0 ? e.findUploadedFiles('part') : [];
    if (parts.length !== names.length) return e.json(503, { outcome: 'later' });
    const path = (name) => `archive/${room}/${name}`;
    const namesText = JSON.stringify(names);
    let answer;
    try {
      if (names.length > 0) {
        // Known before it is written: what a crash leaves behind is found again.
        e.app
          .nonconcurrentDB()
          .newQuery(
            'INSERT INTO archive_loose_files (file, room, since) SELECT value, {:room}, unixepoch() FROM json_each({:names})',
          )
          .bind({ room, names: namesText })
          .execute();
        const files = e.app.newFilesystem();
        try {
          names.forEach((name, i) => files.uploadFile(parts[i], path(name)));
        } finally {
          files.close();
        }
      }
      e.app.runInTransaction((tx) => {
        const one = (sql, model, params) => {
          const row = new DynamicModel(model);
          tx.db().newQuery(sql).bind(params).one(row);
          return row;
        };
        // The room may have new keys, or none, since the request began.
        const still = one(
          `SELECT count(*) AS n FROM archive_rooms WHERE id = {:room} AND instance = {:instance}
           AND {:key} = CASE {:by} WHEN 'edit' THEN edit_key ELSE comment_key END`,
          { n: 0 },
          { room, by, instance: e.get('room').instance, key: e.request.header.get('X-Room-Key-Hash') },
        );
        if (still.n !== 1) {
          answer = { outcome: 'wrong-key' };
          throw new Error('keys changed');
        }
        // Unless somebody took our files for leftovers.
        const { n: here } = one(
          'SELECT count(*) AS n FROM archive_loose_files WHERE since > 0 AND file IN (SELECT value FROM json_each({:names}))',
          { n: 0 },
          { names: namesText },
        );
        if (here !== names.length) throw new Error('files were swept');
        const stored = tx
          .db()
          .newQuery(
            `INSERT INTO archive_segments (room, hash, size, cost, by_comment, data, file)
             SELECT {:room}, unhex(value->>'hash'), value->>'size', (value->>'size') + {:overhead}, {:comment},
               unhex(value->>'data'), value->>'file'
             FROM json_each({:batch}) WHERE true ON CONFLICT (room, hash) DO NOTHING`,
          )
          .bind({
            room,
            batch,
            comment: by === 'comment' ? 1 : 0,
            overhead: Number(e.request.formValue('overhead')),
          })
          .execute()
          .rowsAffected();
        tx.db()
          .newQuery(
            `DELETE FROM archive_loose_files WHERE file IN
             (SELECT file FROM archive_segments WHERE room = {:room} AND file IN (SELECT value FROM json_each({:names})))`,
          )
          .bind({ room, names: namesText })
          .execute();
        const now = one(
          'SELECT head, bytes, comment_bytes, waiting_bytes FROM archive_rooms WHERE id = {:room}',
          { head: 0, bytes: 0, comment_bytes: 0, waiting_bytes: 0 },
          { room },
        );
        const spare = by === 'edit' ? Number(e.request.formValue('spare')) : 0;
        const isFull =
          now.bytes > Number(e.request.formValue('quota')) + spare ||
          now.bytes + now.waiting_bytes > Number(e.request.formValue('stored'));
        if (stored > 0 && isFull) answer = { outcome: 'room-full' };
        else if (
          stored > 0 &&
          by === 'comment' &&
          now.comment_bytes > Number(e.request.formValue('comments'))
        )
          answer = { outcome: 'comments-full' };
        if (answer) throw new Error(answer.outcome);
        answer = { outcome: 'ok', stored, cursor: now.head, bytes: now.bytes };
      });
    } catch (error) {
      // `answer` is set where we threw on purpose; a commit that failed is a fault all the same.
      if (!answer || answer.outcome === 'ok') {
        answer = undefined;
        console.error(`archive: ${error}`);
      }
    }
    if (names.length > 0) {
      // Ours that no row came to name: known ones, or the batch was not stored.
      try {
        const left = arrayOf(new DynamicModel({ file: '' }));
        e.app
          .nonconcurrentDB()
          .newQuery(
            'SELECT file FROM archive_loose_files WHERE file IN (SELECT value FROM json_each({:names}))',
          )
          .bind({ names: namesText })
          .all(left);
        const files = e.app.newFilesystem();
        try {
          for (const { file } of left) if (files.exists(path(file))) files.delete(path(file));
        } finally {
          files.close();
        }
        e.app
          .nonconcurrentDB()
          .newQuery('DELETE FROM archive_loose_files WHERE file IN (SELECT value FROM json_each({:names}))')
          .bind({ names: namesText })
          .execute();
      } catch (error) {
        console.error(`archive: ${error}`);
      }
    }
    return answer ? e.json(200, answer) : e.json(503, { outcome: 'later' });
  },
  inside,
  $apis.bodyLimit(64 << 20),
  withRoom,
);

// JSON: owner (who signed, in hex), founder (whether the room is named by that key), statement (its hash), counter, epoch, read, edit,
// comment (hashes), blob (base64), instance (for a room not kept yet).
routerAdd(
  'POST',
  '/api/archive/{room}/register',
  (e) => {
    const id = e.request.pathValue('room');
    const given = e.requestInfo().body;
    let answer;
    e.app.runInTransaction((tx) => {
      const found = arrayOf(
        new DynamicModel({
          counter: 0,
          statement: '',
          instance: '',
          epoch: 0,
          read_key: '',
          owner_keys: '',
        }),
      );
      tx.db()
        .newQuery(
          'SELECT counter, statement, instance, epoch, read_key, owner_keys FROM archive_rooms WHERE id = {:id}',
        )
        .bind({ id })
        .all(found);
      const before = found.length > 0 ? found[0] : undefined;
      const keys = before ? before.owner_keys : '';
      if (keys === '' ? !given.founder : !keys.split(',').includes(given.owner)) {
        answer = { outcome: 'bad-proof' };
        return;
      }
      const repeated = before !== undefined && before.statement === given.statement;
      if (before && !repeated && given.counter <= before.counter) {
        answer = { outcome: 'old-counter', counter: before.counter };
        return;
      }
      // Of two owners that begin an epoch each, the first to come here did.
      const kept = before !== undefined && before.instance !== '' && !repeated;
      if (
        kept &&
        (given.epoch < before.epoch || (given.epoch === before.epoch && given.read !== before.read_key))
      ) {
        answer = { outcome: 'other-roster' };
        return;
      }
      // Nobody could open it any more.
      tx.db()
        .newQuery(
          `DELETE FROM archive_checkpoints WHERE room = {:id}
           AND {:read} != (SELECT read_key FROM archive_rooms WHERE id = {:id})`,
        )
        .bind({ id, read: given.read })
        .execute();
      if (!repeated)
        tx.db()
          .newQuery(
            `INSERT INTO archive_rooms (id, counter, statement, instance, epoch, epoch_owner, read_key, edit_key, comment_key, blob)
             VALUES ({:id}, {:counter}, {:statement}, {:instance}, {:epoch}, {:owner}, {:read}, {:edit}, {:comment}, {:blob})
             ON CONFLICT (id) DO UPDATE SET counter = excluded.counter, statement = excluded.statement,
               epoch_owner = CASE WHEN instance = '' OR excluded.epoch > epoch THEN excluded.epoch_owner ELSE epoch_owner END,
               instance = CASE instance WHEN '' THEN excluded.instance ELSE instance END, epoch = excluded.epoch,
               read_key = excluded.read_key, edit_key = excluded.edit_key, comment_key = excluded.comment_key, blob = excluded.blob`,
          )
          .bind({
            id,
            counter: given.counter,
            statement: given.statement,
            instance: given.instance,
            epoch: given.epoch,
            owner: given.owner,
            read: given.read,
            edit: given.edit,
            comment: given.comment,
            blob: given.blob,
          })
          .execute();
      const now = new DynamicModel({
        instance: '',
        counter: 0,
        epoch: 0,
        segments: 0,
        bytes: 0,
        head: 0,
        blob: '',
      });
      tx.db()
        .newQuery(
          'SELECT instance, counter, epoch, segments, bytes, head, blob FROM archive_rooms WHERE id = {:id}',
        )
        .bind({ id })
        .one(now);
      const { instance, counter, epoch, segments, bytes, head, blob } = now;
      answer = { outcome: 'ok', instance, counter, epoch, segments, bytes, cursor: head, blob };
    });
    return e.json(200, answer);
  },
  inside,
  $apis.bodyLimit(64 << 10),
);

// JSON: owner, founder (as above), counter, instance.
routerAdd(
  'POST',
  '/api/archive/{room}/delete',
  (e) => {
    const room = e.request.pathValue('room');
    const given = e.requestInfo().body;
    let answer;
    e.app.runInTransaction((tx) => {
      const run = (sql, params = {}) => tx.db().newQuery(sql).bind(params).execute();
      const found = arrayOf(new DynamicModel({ counter: 0, instance: '', owner_keys: '' }));
      tx.db()
        .newQuery(
          `SELECT counter, instance, owner_keys FROM archive_rooms WHERE id = {:room} AND instance != ''`,
        )
        .bind({ room })
        .all(found);
      if (found.length === 0)
        return void (answer = { outcome: given.founder ? 'unknown-room' : 'bad-proof' });
      const { counter, instance, owner_keys: keys } = found[0];
      if (keys === '' ? !given.founder : !keys.split(',').includes(given.owner))
        return void (answer = { outcome: 'bad-proof' });
      if (given.counter <= counter) return void (answer = { outcome: 'old-counter', counter });
      if (given.instance !== instance) return void (answer = { outcome: 'bad-proof' });
      const sum = new DynamicModel({ segments: 0, bytes: 0 });
      tx.db()
        .newQuery(
          `SELECT count(*) AS segments, coalesce(sum(size), 0)
             + (SELECT coalesce(sum(size), 0) FROM archive_checkpoints WHERE room = {:room}) AS bytes
           FROM archive_segments WHERE room = {:room}`,
        )
        .bind({ room })
        .one(sum);
      run(
        `INSERT INTO archive_loose_files (file, room, since)
         SELECT file, room, 0 FROM archive_segments WHERE room = {:room} AND file IS NOT NULL`,
        { room },
      );
      run('DELETE FROM archive_segments WHERE room = {:room}', { room });
      run('DELETE FROM archive_checkpoints WHERE room = {:room}', { room });
      run(
        `UPDATE archive_rooms SET counter = {:counter}, statement = '', instance = '', epoch = 0, read_key = '', edit_key = '',
         comment_key = '', blob = '', head = 0, segments = 0, bytes = 0, comment_bytes = 0, supersede_counter = 0,
         reverted = 0, waiting = 0, waiting_bytes = 0 WHERE id = {:room}`,
        { room, counter: given.counter },
      );
      run('INSERT INTO archive_purge_due DEFAULT VALUES');
      answer = { outcome: 'ok', segments: sum.segments, bytes: sum.bytes };
    });
    return e.json(200, answer);
  },
  inside,
  $apis.bodyLimit(64 << 10),
);

// JSON: owners (all statements, verified by our server, in hex), keys (who owns the room after them, in hex), epoch (that the last of
// them names). The answer is what stands afterwards: what goes on from that took its place, and everything else left it.
routerAdd(
  'POST',
  '/api/archive/{room}/owners',
  (e) => {
    const id = e.request.pathValue('room');
    const given = e.requestInfo().body;
    let answer;
    e.app.runInTransaction((tx) => {
      const found = arrayOf(new DynamicModel({ owners: '', instance: '', epoch: 0, epoch_owner: '' }));
      tx.db()
        .newQuery('SELECT owners, instance, epoch, epoch_owner FROM archive_rooms WHERE id = {:id}')
        .bind({ id })
        .all(found);
      const room = found.length > 0 ? found[0] : undefined;
      const before = room ? room.owners : '';
      answer = { outcome: 'ok', owners: before };
      // Each statement says how long it is: a longer list that begins like this one goes on from it.
      if (given.owners.length <= before.length || !given.owners.startsWith(before)) return;
      // Who leaves out the owner of an epoch that they have not heard of would give the room a second roster.
      const isBehind = room !== undefined && room.instance !== '' && given.epoch < room.epoch;
      if (isBehind && !given.keys.split(',').includes(room.epoch_owner)) return;
      tx.db()
        .newQuery(
          `INSERT INTO archive_rooms (id, counter, statement, owners, owner_keys) VALUES ({:id}, 0, '', {:owners}, {:keys})
           ON CONFLICT (id) DO UPDATE SET owners = excluded.owners, owner_keys = excluded.owner_keys`,
        )
        .bind({ id, owners: given.owners, keys: given.keys })
        .execute();
      answer.owners = given.owners;
    });
    return e.json(200, answer);
  },
  inside,
  $apis.bodyLimit(128 << 10),
);

routerAdd(
  'GET',
  '/api/archive/{room}/superseded',
  (e) => {
    const { instance, supersede_counter, reverted, waiting, waiting_bytes } = e.get('room');
    const first = new DynamicModel({ since: 0 });
    e.app
      .db()
      .newQuery(
        `SELECT coalesce(min(superseded_at), 0) AS since FROM archive_segments
         WHERE room = {:room} AND superseded_at IS NOT NULL`,
      )
      .bind({ room: e.request.pathValue('room') })
      .one(first);
    return e.json(200, {
      outcome: 'ok',
      instance,
      counter: supersede_counter,
      reverted: reverted === 1,
      segments: waiting,
      bytes: waiting_bytes,
      since: first.since,
    });
  },
  inside,
  withRoom,
);

// JSON: owner, founder (as above), counter, instance, groups: a list of {by, names}, hashes in hex, or none to take back all that
// still waits. Whatever is superseded names one that is not, by its cursor: nothing else is ever removed.
routerAdd(
  'POST',
  '/api/archive/{room}/supersede',
  (e) => {
    const room = e.request.pathValue('room');
    const given = e.requestInfo().body;
    const reverts = given.groups === undefined || given.groups === null;
    let answer;
    try {
      e.app.runInTransaction((tx) => {
        const run = (sql, params) =>
          tx
            .db()
            .newQuery(sql)
            .bind({ room, ...params })
            .execute();
        const all = (model, sql, params) => {
          const rows = arrayOf(new DynamicModel(model));
          tx.db()
            .newQuery(sql)
            .bind({ room, ...params })
            .all(rows);
          return rows;
        };
        const no = (refused) => {
          answer = refused;
          throw new Error(refused.outcome);
        };
        const found = all(
          { instance: '', supersede_counter: 0, owner_keys: '' },
          `SELECT instance, supersede_counter, owner_keys FROM archive_rooms WHERE id = {:room} AND instance != ''`,
        );
        if (found.length === 0) no({ outcome: given.founder ? 'unknown-room' : 'bad-proof' });
        const { instance, supersede_counter: counter, owner_keys: keys } = found[0];
        if (keys === '' ? !given.founder : !keys.split(',').includes(given.owner))
          no({ outcome: 'bad-proof' });
        if (given.instance !== instance) no({ outcome: 'bad-proof' });
        if (given.counter <= counter) no({ outcome: 'old-counter', counter });

        // What no longer counts, or counts again: adding up the room anew would read all of it.
        const moved = { segments: 0, bytes: 0, comments: 0 };
        if (reverts) {
          const [waiting] = all(
            { segments: 0, bytes: 0, comments: 0 },
            `SELECT count(*) AS segments, coalesce(sum(cost), 0) AS bytes, coalesce(sum(cost * by_comment), 0) AS comments
             FROM archive_segments WHERE room = {:room} AND superseded_at IS NOT NULL`,
          );
          moved.segments = -waiting.segments;
          moved.bytes = -waiting.bytes;
          moved.comments = -waiting.comments;
          run(
            `UPDATE archive_segments SET superseded_at = NULL, superseded_by = NULL
             WHERE room = {:room} AND superseded_at IS NOT NULL`,
          );
        } else
          for (const { by, names } of given.groups) {
            const stays = all(
              { cursor: 0 },
              'SELECT cursor FROM archive_segments WHERE room = {:room} AND hash = unhex({:by}) AND superseded_at IS NULL',
              { by },
            );
            if (stays.length !== 1) no({ outcome: 'not-kept' });
            const of = { cursor: stays[0].cursor, names: JSON.stringify(names) };
            const named = 'hash IN (SELECT unhex(value) FROM json_each({:names})) AND cursor != {:cursor}';
            let byComment = false;
            for (const { cost, by_comment } of all(
              { cost: 0, by_comment: 0 },
              `UPDATE archive_segments SET superseded_at = unixepoch(), superseded_by = {:cursor}
               WHERE room = {:room} AND superseded_at IS NULL AND ${named} RETURNING cost, by_comment`,
              of,
            )) {
              moved.segments++;
              moved.bytes += cost;
              moved.comments += cost * by_comment;
              byComment = byComment || by_comment === 1;
            }
            // What comments cost stays theirs: else they could fill the room, share by share.
            if (byComment)
              for (const { cost } of all(
                { cost: 0 },
                `UPDATE archive_segments SET by_comment = 1
                 WHERE room = {:room} AND cursor = {:cursor} AND by_comment = 0 RETURNING cost`,
                { cursor: of.cursor },
              ))
                moved.comments -= cost;
            // What they stood for is in this one too.
            run(
              `UPDATE archive_segments SET superseded_by = {:cursor} WHERE room = {:room} AND superseded_at IS NOT NULL
               AND superseded_by IN (SELECT cursor FROM archive_segments WHERE room = {:room} AND ${named})`,
              of,
            );
          }
        run(
          `UPDATE archive_rooms SET supersede_counter = {:counter}, reverted = {:reverted}, segments = segments - {:segments},
             bytes = bytes - {:bytes}, comment_bytes = comment_bytes - {:comments}, waiting = waiting + {:segments},
             waiting_bytes = waiting_bytes + {:bytes} WHERE id = {:room}`,
          { counter: given.counter, reverted: reverts ? 1 : 0, ...moved },
        );
        const [now] = all(
          { waiting: 0, waiting_bytes: 0, since: 0 },
          `SELECT waiting, waiting_bytes, (SELECT coalesce(min(superseded_at), 0) FROM archive_segments
             WHERE room = {:room} AND superseded_at IS NOT NULL) AS since
           FROM archive_rooms WHERE id = {:room}`,
        );
        answer = {
          outcome: 'ok',
          instance,
          counter: given.counter,
          reverted: reverts,
          segments: now.waiting,
          bytes: now.waiting_bytes,
          since: now.since,
        };
      });
    } catch (error) {
      if (!answer || answer.outcome === 'ok') {
        answer = undefined;
        console.error(`archive: ${error}`);
      }
    }
    return answer ? e.json(200, answer) : e.json(503, { outcome: 'later' });
  },
  inside,
  $apis.bodyLimit(128 << 10),
);

routerAdd(
  'GET',
  '/api/archive/{room}/checkpoint',
  (e) => {
    const there = new DynamicModel({ size: 0, file: '', history: 0, covered: 0 });
    e.app
      .db()
      .newQuery(
        `SELECT coalesce(size, 0) AS size, coalesce(file, '') AS file, bytes - coalesce(cost, 0) AS history,
           coalesce(covered, 0) AS covered
         FROM archive_rooms LEFT JOIN archive_checkpoints ON room = id WHERE id = {:room}`,
      )
      .bind({ room: e.request.pathValue('room') })
      .one(there);
    const { size, file, history, covered } = there;
    return e.json(200, { outcome: 'ok', size, file, history, covered });
  },
  inside,
  withRoom,
);

routerAdd(
  'GET',
  '/api/archive/{room}/checkpoint/append',
  (e) => e.json(200, { outcome: e.get('by') === 'edit' ? 'ok' : 'wrong-key' }),
  inside,
  withRoom,
);

// Form: part (the file), file (its name), size, overhead, quota and stored (the caps of bytes, as above). The one before, and what of
// this one could not be kept, are left to `tidy`.
routerAdd(
  'POST',
  '/api/archive/{room}/checkpoint',
  (e) => {
    const of = { room: e.request.pathValue('room'), file: e.request.formValue('file') };
    const number = (name) => Number(e.request.formValue(name));
    const [size, cost] = [number('size'), number('size') + number('overhead')];
    const [part] = e.findUploadedFiles('part');
    let answer;
    try {
      // Known before it is written: what a crash leaves behind is found again.
      e.app
        .nonconcurrentDB()
        .newQuery(
          'INSERT INTO archive_loose_files (file, room, since) VALUES ({:file}, {:room}, unixepoch())',
        )
        .bind(of)
        .execute();
      const files = e.app.newFilesystem();
      try {
        files.uploadFile(part, `archive/${of.room}/${of.file}`);
      } finally {
        files.close();
      }
      e.app.runInTransaction((tx) => {
        const run = (sql, params) =>
          tx
            .db()
            .newQuery(sql)
            .bind({ ...of, ...params })
            .execute()
            .rowsAffected();
        const now = arrayOf(new DynamicModel({ history: 0, waiting_bytes: 0 }));
        // Only with the edit key. The room may have new keys, or none, since the request began.
        tx.db()
          .newQuery(
            `SELECT bytes - coalesce(cost, 0) AS history, waiting_bytes
             FROM archive_rooms LEFT JOIN archive_checkpoints ON room = id
             WHERE id = {:room} AND instance = {:instance} AND edit_key = {:key}`,
          )
          .bind({
            room: of.room,
            instance: e.get('room').instance,
            key: e.request.header.get('X-Room-Key-Hash'),
          })
          .all(now);
        if (now.length !== 1) {
          answer = { outcome: 'wrong-key' };
          throw new Error('keys changed');
        }
        const [{ history, waiting_bytes: waiting }] = now;
        if (history + cost > number('quota') || history + cost + waiting > number('stored')) {
          answer = { outcome: 'room-full' };
          throw new Error(answer.outcome);
        }
        // Unless somebody took our file for a leftover.
        if (run('DELETE FROM archive_loose_files WHERE file = {:file} AND since > 0', {}) !== 1)
          throw new Error('the file was swept');
        run('DELETE FROM archive_checkpoints WHERE room = {:room}', {});
        run(
          `INSERT INTO archive_checkpoints (room, size, cost, covered, file)
           VALUES ({:room}, {:size}, {:cost}, {:covered}, {:file})`,
          { size, cost, covered: history },
        );
        answer = { outcome: 'ok', size, file: of.file, history, covered: history };
      });
    } catch (error) {
      if (!answer || answer.outcome === 'ok') {
        answer = undefined;
        console.error(`archive: ${error}`);
      }
    }
    if (answer?.outcome !== 'ok')
      e.app
        .nonconcurrentDB()
        .newQuery('UPDATE archive_loose_files SET since = 0 WHERE file = {:file}')
        .bind({ file: of.file })
        .execute();
    return answer ? e.json(200, answer) : e.json(503, { outcome: 'later' });
  },
  inside,
  $apis.bodyLimit(8 << 20),
  withRoom,
);

// Removes what was superseded `age` seconds ago, while what stays for it is there and is not superseded itself: some of it, from the
// row `after` on. Its bytes go with the next purge, like those of a deletion.
routerAdd(
  'POST',
  '/api/archive/sweep',
  (e) => {
    const most = 2000;
    const query = e.request.url.query();
    let answer;
    e.app.runInTransaction((tx) => {
      const run = (sql, params) => tx.db().newQuery(sql).bind(params).execute();
      const due = arrayOf(new DynamicModel({ id: 0, room: '', cost: 0, kept: '' }));
      tx.db()
        .newQuery(
          `SELECT gone.rowid AS id, gone.room AS room, gone.cost AS cost, coalesce(stays.file, '') AS kept
           FROM archive_segments AS gone JOIN archive_segments AS stays
             ON stays.room = gone.room AND stays.cursor = gone.superseded_by AND stays.superseded_at IS NULL
           WHERE gone.superseded_at IS NOT NULL AND gone.superseded_at <= unixepoch() - {:age} AND gone.rowid > {:after}
           ORDER BY gone.rowid LIMIT {:most}`,
        )
        .bind({ age: Number(query.get('age')), after: Number(query.get('after')), most })
        .all(due);
      const last = due.length === most ? due[most - 1].id : 0;
      // A file that stays has to be there, too.
      const files = e.app.newFilesystem();
      const there = {};
      const gone = [];
      const rooms = {};
      try {
        for (const { id, room, cost, kept } of due) {
          const path = `archive/${room}/${kept}`;
          if (kept !== '' && there[path] === undefined) there[path] = files.exists(path);
          if (kept !== '' && !there[path]) {
            console.error(`archive: ${path} is missing, what it stands for stays`);
            continue;
          }
          gone.push(id);
          rooms[room] = rooms[room] || { n: 0, bytes: 0 };
          rooms[room].n++;
          rooms[room].bytes += cost;
        }
      } finally {
        files.close();
      }
      if (gone.length > 0) {
        const those = 'rowid IN (SELECT value FROM json_each({:gone}))';
        const ids = { gone: JSON.stringify(gone) };
        run(
          `INSERT INTO archive_loose_files (file, room, since)
           SELECT file, room, 0 FROM archive_segments WHERE file IS NOT NULL AND ${those}`,
          ids,
        );
        run(`DELETE FROM archive_segments WHERE ${those}`, ids);
        for (const room of Object.keys(rooms))
          run(
            `UPDATE archive_rooms SET waiting = waiting - {:n}, waiting_bytes = waiting_bytes - {:bytes} WHERE id = {:room}`,
            { room, ...rooms[room] },
          );
        run('INSERT INTO archive_purge_due DEFAULT VALUES', {});
      }
      answer = { outcome: 'ok', removed: gone.length, after: last };
    });
    return e.json(200, answer);
  },
  inside,
);

// Deletes files that nobody names; with ?purge=1, and where a deletion is waiting for it, rewrites the database without its free
// pages. That holds up writers: our server decides how often.
routerAdd(
  'POST',
  '/api/archive/tidy',
  (e) => {
    const db = e.app.nonconcurrentDB();
    // An upload takes minutes at most.
    db.newQuery('UPDATE archive_loose_files SET since = 0 WHERE since < unixepoch() - 3600').execute();
    const left = arrayOf(new DynamicModel({ file: '', room: '' }));
    db.newQuery('SELECT file, room FROM archive_loose_files WHERE since = 0').all(left);
    const files = e.app.newFilesystem();
    try {
      for (const { file, room } of left) {
        const path = `archive/${room}/${file}`;
        if (files.exists(path)) files.delete(path);
        // A killed process may have left a part of it, under a longer name.
        else if (files.deletePrefix(path).length > 0) throw new Error(`${path} is still there`);
        db.newQuery('DELETE FROM archive_loose_files WHERE file = {:file}').bind({ file }).execute();
      }
    } finally {
      files.close();
    }

    const due = new DynamicModel({ last: 0 });
    db.newQuery('SELECT coalesce(max(id), 0) AS last FROM archive_purge_due').one(due);
    if (due.last === 0 || e.request.url.query().get('purge') !== '1')
      return e.json(200, { outcome: 'ok', due: due.last > 0, purged: false });
    // PocketBase keeps temporary tables in memory: the copy that VACUUM makes is as large as the database.
    db.newQuery('PRAGMA temp_store = FILE').execute();
    try {
      db.newQuery('VACUUM').execute();
    } finally {
      db.newQuery('PRAGMA temp_store = MEMORY').execute();
    }
    const checkpoint = new DynamicModel({ busy: 0 });
    db.newQuery('PRAGMA wal_checkpoint(TRUNCATE)').one(checkpoint);
    if (checkpoint.busy !== 0) return e.json(200, { outcome: 'ok', due: true, purged: true });
    db.newQuery('DELETE FROM archive_purge_due WHERE id <= {:last}').bind({ last: due.last }).execute();
    return e.json(200, { outcome: 'ok', due: false, purged: true });
  },
  inside,
);
