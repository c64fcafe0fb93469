/** Imported first: puts counted timers in place before any other module can take hold of the browser's. */
import { countBrowserWork, Handles, installTimers } from './handles.ts';

export const handles = new Handles();
installTimers(handles);
countBrowserWork(handles);
