/** Tells the room where my selection is: at most 20 times a second, the last place always, never on the keystroke's own task. */
import { Facet, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { ySyncAnnotation } from 'y-codemirror.next';
import type * as Y from 'yjs';
import { positionAt } from './remote-position.ts';
import { paced } from './paced.ts';

/** 20 a second looks continuous to others, and costs a room of 25 people no more than 500 small messages a second. */
const REPORT_EVERY_MS = 50;

export type ReportSelection = (selection: { readonly anchor: Uint8Array; readonly head: Uint8Array }) => void;

/** The text a state belongs to. */
const reportedText = Facet.define<Y.Text>();

export function selectionReport(text: Y.Text, report: ReportSelection): Extension {
  const send = paced(REPORT_EVERY_MS, (view: EditorView) => {
    // The view may be gone by now, or show another file.
    if (!view.dom.isConnected || !view.state.facet(reportedText).includes(text)) return;
    const { anchor, head } = view.state.selection.main;
    const headBytes = positionAt(text, head);
    report({ anchor: anchor === head ? headBytes : positionAt(text, anchor), head: headBytes });
  });
  return [
    reportedText.of(text),
    EditorView.updateListener.of((update) => {
      const mine = !update.transactions.some((transaction) => transaction.annotation(ySyncAnnotation));
      if (update.focusChanged || update.selectionSet || (update.docChanged && mine)) send(update.view);
    }),
  ];
}
