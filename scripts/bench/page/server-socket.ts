/** The address of one of the server's sockets, on this page's own site. */
export const serverSocket = (path: '/signal' | '/relay'): string =>
  new URL(path, location.origin.replace(/^http/, 'ws')).href;
