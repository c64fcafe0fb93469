// Two people in a room that thousands of sessions wrote in before: what a key costs grows with the clients of a doc.
import type { BenchOptions } from './browser.ts';
import { packHistory } from './history-file.ts';
import { inRoom, inTurns, latencyRow, ONE_TYPIST, profileTyping } from './keystroke.ts';
import { recordSessions } from './record-sessions.ts';
import type { Findings } from './table.ts';
import type { TypingRoom } from './typing-room.ts';

const REPETITIONS = 5;
/** Of people who came and went: each tab that ever wrote is a session. */
const PAST_SESSIONS = 5_000;
const PAST_SESSIONS_MS = 5;

export async function measurePastSessions(options: BenchOptions): Promise<Findings> {
  const { ticket, segments, state } = await recordSessions(PAST_SESSIONS);
  const [segmentsPath, statePath] = ['/sessions.bin', '/sessions-state.bin'];
  const files = new Map([
    [segmentsPath.slice(1), packHistory(segments)],
    [statePath.slice(1), state],
  ]);
  const measure = async (room: TypingRoom): Promise<Findings> => {
    const rounds = await inTurns(room, REPETITIONS, ONE_TYPIST);
    const row = latencyRow(`keystroke → remote apply, 2 peers, after ${PAST_SESSIONS} sessions`, rounds);
    const notes = options.profiling ? await profileTyping(room) : [];
    return { rows: [{ ...row, target: { kind: 'value', atMost: PAST_SESSIONS_MS } }], notes };
  };
  return inRoom(2, options, measure, { files, past: { ticket, segmentsPath, statePath } });
}
