/** A worker with nothing around it: says what the program would. */
self.addEventListener('message', () => self.postMessage('hello'));
self.postMessage('booted');
