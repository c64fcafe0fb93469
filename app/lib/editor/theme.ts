/** How CodeMirror looks: sizes and colours are tokens only, so a theme or a contrast change needs nothing from here. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const code = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.controlKeyword, tags.moduleKeyword],
    color: 'var(--code-keyword)',
  },
  {
    tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character, tags.attributeValue],
    color: 'var(--code-string)',
  },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.unit, tags.color], color: 'var(--code-number)' },
  {
    tag: [
      tags.function(tags.variableName),
      tags.function(tags.propertyName),
      tags.definition(tags.function(tags.variableName)),
      tags.labelName,
      tags.attributeName,
    ],
    color: 'var(--code-name)',
  },
  {
    tag: [tags.typeName, tags.className, tags.namespace, tags.tagName, tags.annotation, tags.self],
    color: 'var(--code-type)',
  },
  {
    tag: [tags.operator, tags.punctuation, tags.bracket, tags.meta, tags.escape, tags.processingInstruction],
    color: 'var(--code-mark)',
  },
  { tag: [tags.comment, tags.quote], color: 'var(--code-comment)' },
  { tag: tags.heading, color: 'var(--code-name)', fontWeight: '600' },
  { tag: tags.strong, fontWeight: '600' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: [tags.link, tags.url], color: 'var(--code-string)', textDecoration: 'underline' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

const surface = EditorView.theme({
  '&': { height: '100%', background: 'var(--ground)', color: 'var(--ink)', fontSize: 'var(--text-md)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--mono)',
    lineHeight: 'var(--code-leading)',
    fontVariantLigatures: 'none',
    overscrollBehavior: 'contain',
  },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 18px 0 0' },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'color-mix(in oklab, var(--ink) 4%, transparent)' },
  '.cm-activeLineGutter': { color: 'var(--ink)' },
  '.cm-gutters': {
    minWidth: 'calc(var(--number-gutter, 36px) + var(--fold-gutter, 22px))',
    justifyContent: 'flex-end',
    border: '0',
    background: 'var(--ground)',
    color: 'var(--ink-3)',
    fontSize: 'var(--text-sm)',
  },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: 'var(--number-gutter, 36px)', padding: '0' },
  '.cm-foldGutter': { width: 'var(--fold-gutter, 22px)' },
  '.cm-foldGutter .cm-gutterElement': { display: 'grid', placeItems: 'center', padding: '0' },
  '.cm-fold-marker': {
    display: 'block',
    width: '7px',
    height: '7px',
    borderRight: '1.5px solid currentColor',
    borderBottom: '1.5px solid currentColor',
    transform: 'translateY(-2px) rotate(45deg)',
    cursor: 'pointer',
    opacity: '0',
    transition: 'opacity var(--fast)',
  },
  '.cm-gutters:hover .cm-fold-marker, .cm-fold-marker.closed': { opacity: '1' },
  '.cm-fold-marker.closed': { transform: 'translateX(-2px) rotate(-45deg)' },
  '.cm-foldPlaceholder': {
    margin: '0 3px',
    padding: '0 6px',
    border: '0',
    borderRadius: 'var(--radius-1)',
    background: 'var(--chosen)',
    color: 'var(--ink-2)',
  },
  '.cm-cursor, .cm-dropCursor': { borderLeft: '2px solid var(--ink)', marginLeft: '-1px' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'var(--selection)',
  },
  '.cm-selectionMatch': { background: 'var(--hover)', boxShadow: 'inset 0 -1px var(--edge)' },
  '.cm-searchMatch': { background: 'var(--warn-soft)', boxShadow: 'inset 0 0 0 1px var(--warn)' },
  '.cm-searchMatch-selected': {
    background: 'var(--accent-soft)',
    boxShadow: 'inset 0 0 0 2px var(--accent)',
  },
  '&.cm-focused .cm-matchingBracket': {
    background: 'var(--chosen)',
    boxShadow: 'inset 0 0 0 1px var(--edge)',
  },
  '&.cm-focused .cm-nonmatchingBracket': { background: 'var(--bad-soft)' },
  '.cm-specialChar': { color: 'var(--bad)' },

  '.cm-panels': { background: 'var(--panel)', color: 'var(--ink)', fontFamily: 'var(--sans)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panel.cm-search': {
    display: 'flex',
    flexWrap: 'wrap',
    gap: '6px',
    alignItems: 'center',
    padding: '8px 40px 8px 14px',
    fontSize: 'var(--text-sm)',
  },
  '.cm-panel.cm-search br': { flexBasis: '100%', content: '""', height: '0' },
  '.cm-panel.cm-search label': {
    display: 'inline-flex',
    gap: '5px',
    alignItems: 'center',
    fontSize: 'var(--text-sm)',
    color: 'var(--ink-2)',
  },
  '.cm-panel.cm-search input[type=checkbox]': { margin: '0', accentColor: 'var(--accent)' },
  '.cm-textfield': {
    width: '200px',
    minHeight: 'var(--control-small)',
    margin: '0',
    padding: '2px 8px',
    border: '1px solid var(--edge)',
    borderRadius: 'var(--radius-1)',
    background: 'var(--field)',
    color: 'inherit',
    fontSize: 'var(--text-sm)',
    fontFamily: 'var(--mono)',
  },
  '.cm-button': {
    minHeight: 'var(--control-small)',
    margin: '0',
    padding: '0 8px',
    border: '0',
    borderRadius: 'var(--radius-1)',
    background: 'var(--chosen)',
    color: 'var(--ink)',
    fontSize: 'var(--text-sm)',
    fontWeight: '500',
    textTransform: 'capitalize',
    cursor: 'pointer',
  },
  '.cm-button:hover': { background: 'color-mix(in oklab, var(--ink) 15%, transparent)' },
  '.cm-panel.cm-search [name=close]': {
    top: '8px',
    right: '8px',
    width: 'var(--control-small)',
    height: 'var(--control-small)',
    borderRadius: 'var(--radius-1)',
    color: 'var(--ink-2)',
    fontSize: 'var(--text-lg)',
    cursor: 'pointer',
  },
  '.cm-panel.cm-gotoLine': { padding: '8px 14px' },
});

/** The look of every editor in the app. */
export const editorTheme: Extension = [surface, syntaxHighlighting(code)];
