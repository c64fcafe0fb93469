/**
 * Imported before Pyodide, which refuses classic workers as soon as it is loaded and recognises them by a working
 * importScripts. Handed its module it works in them; and scripts can't be imported in the sandbox anyway.
 */
(self as unknown as { importScripts: () => never }).importScripts = () => {
  throw new TypeError('nothing can be imported here');
};
