/** What the command palette offers: only what works now. */
import type { FileId } from '../core/ids.ts';
import type { RoomModel, TreeItem } from './room-model.ts';

export interface Command {
  readonly id: string;
  readonly group: 'Commands' | 'Files';
  readonly words: string;
  /** Written as in `ui/platform-keys.ts`: 'Mod+Enter'. */
  readonly keys?: string;
  readonly act: () => void;
}

export interface CommandActions {
  run(): void;
  newFile(): void;
  newFolder(): void;
  renameFile(id: FileId): void;
  deleteFile(id: FileId): void;
  share(): void;
  people(): void;
  changeName(): void;
  chat(): void;
  hideChat(): void;
  /** Whether it can be hidden: a phone shows one pane at a time anyway. */
  readonly chatShown: boolean;
  theme(choice: 'system' | 'light' | 'dark'): void;
  download(): void;
  downloadRoom(): void;
  readonly active: TreeItem | undefined;
}

/** What of the room decides which commands there are. */
type CommandRoom = Pick<RoomModel, 'running' | 'editable' | 'known' | 'cannotRun' | 'stop'> & {
  readonly talk: Pick<RoomModel['talk'], 'writable'>;
};

export function commandsOf(room: CommandRoom, actions: CommandActions): Command[] {
  const inFront = room.editable ? actions.active : undefined;
  const commands: (Omit<Command, 'group'> | false)[] = [
    !room.running &&
      actions.active !== undefined &&
      room.cannotRun(actions.active.id) === undefined && {
        id: 'run',
        words: `Run ${actions.active.shown}`,
        keys: 'Mod+Enter',
        act: () => actions.run(),
      },
    room.running && { id: 'stop', words: 'Stop the run', act: () => room.stop() },
    room.editable && { id: 'new-file', words: 'New file', act: () => actions.newFile() },
    room.editable && { id: 'new-folder', words: 'New folder', act: () => actions.newFolder() },
    inFront !== undefined && {
      id: 'rename-file',
      words: `Rename ${inFront.shown}`,
      act: () => actions.renameFile(inFront.id),
    },
    inFront !== undefined && {
      id: 'delete-file',
      words: `Delete ${inFront.shown}`,
      act: () => actions.deleteFile(inFront.id),
    },
    {
      id: 'chat',
      words: room.talk.writable ? 'Write a message' : 'Read the chat',
      act: () => actions.chat(),
    },
    actions.chatShown && { id: 'hide-chat', words: 'Hide chat', act: () => actions.hideChat() },
    { id: 'share', words: 'Share this room', act: () => actions.share() },
    { id: 'people', words: 'People and links', act: () => actions.people() },
    { id: 'download', words: 'Download project', act: () => actions.download() },
    room.known && {
      id: 'download-room',
      words: 'Download the room with its history',
      act: () => actions.downloadRoom(),
    },
    { id: 'name', words: 'Change my name', act: () => actions.changeName() },
    { id: 'theme-system', words: 'Theme: like the system', act: () => actions.theme('system') },
    { id: 'theme-light', words: 'Theme: light', act: () => actions.theme('light') },
    { id: 'theme-dark', words: 'Theme: dark', act: () => actions.theme('dark') },
  ];
  return commands.flatMap((command) =>
    command === false ? [] : [{ ...command, group: 'Commands' as const }],
  );
}

export function filesOf(room: RoomModel, open: (id: string) => void): Command[] {
  return room.files
    .filter((file) => file.kind !== 'folder')
    .map(({ id, shown }) => ({ id: `file:${id}`, group: 'Files', words: shown, act: () => open(id) }));
}
