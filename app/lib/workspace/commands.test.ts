import { expect, it, vi } from 'vitest';
import type { FileId } from '../core/ids.ts';
import { commandsOf, type CommandActions } from './commands.ts';

const main = { id: 'a' as FileId, kind: 'text', path: 'src/main.py', shown: 'src/main.py' } as const;
const room = {
  running: false,
  editable: true,
  known: true,
  cannotRun: () => undefined,
  stop: () => {},
  talk: { writable: true },
};

function actions(active: CommandActions['active']): CommandActions {
  const done = vi.fn();
  return {
    run: done,
    newFile: done,
    newFolder: done,
    renameFile: done,
    deleteFile: done,
    share: done,
    people: done,
    changeName: done,
    chat: done,
    hideChat: done,
    chatShown: true,
    theme: done,
    download: done,
    downloadRoom: done,
    active,
  };
}

const words = (...given: Parameters<typeof commandsOf>): string[] =>
  commandsOf(...given).map((command) => command.words);

it('renames and deletes the file in front, by name', () => {
  const renameFile = vi.fn();
  const deleteFile = vi.fn();
  const commands = commandsOf(room, { ...actions(main), renameFile, deleteFile });
  commands.find((command) => command.words === 'Rename src/main.py')?.act();
  expect(renameFile).toHaveBeenCalledExactlyOnceWith(main.id);
  commands.find((command) => command.words === 'Delete src/main.py')?.act();
  expect(deleteFile).toHaveBeenCalledExactlyOnceWith(main.id);
});

it('offers neither without a file in front, nor to who may only read', () => {
  const offered = [...words(room, actions(undefined)), ...words({ ...room, editable: false }, actions(main))];
  expect(offered.filter((each) => /^(Rename|Delete)/.test(each))).toEqual([]);
  expect(offered).toContain('Run src/main.py');
});

it('offers to write a message to who may, and to read to who may not', () => {
  expect(words(room, actions(main))).toContain('Write a message');
  const reads = words({ ...room, talk: { writable: false } }, { ...actions(main), chatShown: false });
  expect(reads).toContain('Read the chat');
  expect(reads).not.toContain('Hide chat');
});
