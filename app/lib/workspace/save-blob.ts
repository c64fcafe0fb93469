/** Hands a blob to the browser's own "save" under a name that every file system takes. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  // eslint-disable-next-line no-control-regex -- exactly what file systems refuse
  link.download = name.replace(/[\\/:*?"<>|\u0000-\u001f]/g, '-').replace(/^\.+/, '');
  link.click();
  // The browser has taken the bytes over by the time it asks where to put them; a minute is far more than that.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
