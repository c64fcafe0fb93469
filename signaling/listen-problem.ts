/** Why the server is not there, in the one sentence that a person at a terminal is told. */

export interface ListenProblem {
  /** The system's code, or its words where it gives none. */
  readonly code: string;
  readonly host: string;
  readonly port: number;
}

/** What is wrong and what to do about it. */
export function listenSentence({ code, host, port }: ListenProblem): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use; stop what uses it, or choose another with --port.`;
    case 'EACCES':
      return `Port ${port} may not be used by this user; choose one above 1023 with --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `${host} is not an address of this machine; choose another with --host.`;
    case 'ENOENT': // of the folder of the app, which is read before listening
      return 'The app is not built yet; run npm start, or npm run build first.';
    default:
      return `The server could not listen on ${host}:${port} (${code}).`;
  }
}
