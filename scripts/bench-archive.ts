// What the archive costs, on a real PocketBase through the thin server: `POCKETBASE_PATH=… node scripts/bench-archive.ts`.
// Client and servers share the machine: figures are for comparing, and for finding what is slow by a factor.
import {
  ArchiveClient,
  must,
  noise,
  pocketbasePath,
  registeredRoom,
  signedDeletion,
  startArchiveServer,
} from '../signaling/testing/archive-client.ts';

if (!pocketbasePath) throw new Error('POCKETBASE_PATH names no PocketBase.');
const server = await startArchiveServer({ archiveRoomBytes: 2 ** 31 });
try {
  const archive = new ArchiveClient(server.url);
  const room = await registeredRoom(archive);
  const append = async (count: number, length: number): Promise<void> => {
    const batch = Array.from({ length: count }, () => noise(length));
    must(await archive.append(room.id, room.keys.edit, batch));
  };
  for (let i = 0; i < 50; i++) await append(1, 500);
  const cases: [count: number, length: number, requests: number][] = [
    [1, 1_000, 400],
    [200, 1_000, 40],
    [1, 60_000, 200],
    [1, 80_000, 200],
    [1, 1_000_000, 40],
  ];
  for (const [count, length, requests] of cases) {
    const alone = await timed(1, Math.ceil(requests / 4), () => append(count, length));
    const wide = await timed(8, requests, () => append(count, length));
    const perSecond = Math.round((count * requests * 1000) / wide.totalMs);
    console.log(
      `append ${count} × ${length} B: alone p50 ${alone.p50} ms; 8 at once p50 ${wide.p50}, p95 ${wide.p95} ms, ${perSecond} segments/s`,
    );
  }
  const { cursor } = must(await archive.status(room.id, room.keys.read));
  for (const [name, since] of [
    ['500 × 1 kB', 500],
    ['the empty tail', cursor],
  ] as const) {
    const read = await timed(
      1,
      100,
      async () => void must(await archive.page(room.id, room.keys.read, since)),
    );
    console.log(`page of ${name}: p50 ${read.p50}, p95 ${read.p95} ms`);
  }
  const { bytes } = must(await archive.status(room.id, room.keys.read));
  const startedAt = performance.now();
  const deleted = must(await archive.delete(room.id, await signedDeletion(room, 2, room.instance)));
  const tookMs = Math.round(performance.now() - startedAt);
  console.log(`delete ${deleted.segments} segments, ${(bytes / 1e6).toFixed(0)} MB, purged: ${tookMs} ms`);
} finally {
  await server.close();
}

async function timed(
  width: number,
  count: number,
  run: () => Promise<void>,
): Promise<{ p50: string; p95: string; totalMs: number }> {
  const times: number[] = [];
  let left = count;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) {
        const at = performance.now();
        await run();
        times.push(performance.now() - at);
      }
    }),
  );
  const totalMs = performance.now() - startedAt;
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? NaN).toFixed(1);
  return { p50: at(0.5), p95: at(0.95), totalMs };
}
