/** What the bench may ask of its page. Arguments and results are plain values: they cross from one process to another. */
import { hostHistory, hostRoom, joinHistory, joinRoom } from './joining.ts';
import {
  openHistory,
  openWithoutSnapshot,
  openYIndexeddb,
  storeHistory,
  storeInYIndexeddb,
  verifyHistory,
} from './history.ts';
import { Keyboard } from './keystrokes.ts';
import { countLongTasks, takeLongTasks } from './long-tasks.ts';
import { RawChannels } from './raw-channel.ts';
import { makeRoom } from './room.ts';
import { runBare, runOurs } from './runtimes.ts';
import { countSends, takeSends } from './sends.ts';

countSends();
countLongTasks();
const keyboard = new Keyboard();
const raw = new RawChannels();

const door = {
  makeRoom,
  takeSends,
  takeLongTasks,
  join: keyboard.join.bind(keyboard),
  joinYWebrtc: keyboard.joinYWebrtc.bind(keyboard),
  linked: keyboard.linked.bind(keyboard),
  watch: keyboard.watch.bind(keyboard),
  watched: keyboard.watched.bind(keyboard),
  type: keyboard.type.bind(keyboard),
  offer: raw.offer.bind(raw),
  answer: raw.answer.bind(raw),
  answered: raw.answered.bind(raw),
  opened: raw.opened.bind(raw),
  echo: raw.echo.bind(raw),
  transfer: raw.transfer.bind(raw),
  hostRoom,
  joinRoom,
  hostHistory,
  joinHistory,
  storeHistory,
  openHistory,
  openWithoutSnapshot,
  verifyHistory,
  storeInYIndexeddb,
  openYIndexeddb,
  runOurs,
  runBare,
};

export type BenchDoor = typeof door;

(globalThis as unknown as { bench: BenchDoor }).bench = door;
