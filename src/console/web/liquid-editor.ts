import { autocompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { liquid } from '@codemirror/lang-liquid';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { TemplateAnswer, TemplateProblemAnswer } from '../prompts-routes.ts';

export interface LiquidEditor {
  /** Shows another text than the one that was typed. */
  show(text: string): void;
  /** Marks what is wrong, at its line. */
  mark(problems: TemplateProblemAnswer[]): void;
  close(): void;
}

/** Opens CodeMirror with Liquid's highlighting and the names a template may use; Tab leaves it, as any field. */
export function openLiquidEditor(
  parent: HTMLElement,
  {
    text,
    label,
    readOnly,
    variables,
    onText,
  }: {
    text: string;
    label: string;
    readOnly: boolean;
    variables: TemplateAnswer['variables'];
    onText: (text: string) => void;
  },
): LiquidEditor {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? '';
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        // The page's policy allows no other inline style sheets.
        EditorView.cspNonce.of(nonce),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.lineWrapping,
        EditorState.readOnly.of(readOnly),
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        lintGutter(),
        autocompletion(),
        liquid({
          variables: variables.map((one) => ({ label: one.name, type: 'variable', detail: one.meaning })),
        }),
        syntaxHighlighting(colours),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onText(update.state.doc.toString());
        }),
        look,
      ],
    }),
  });
  return {
    show(wanted) {
      const now = view.state.doc.toString();
      if (now !== wanted) view.dispatch({ changes: { from: 0, to: now.length, insert: wanted } });
    },
    mark(problems) {
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map((problem) => diagnostic(view.state, problem)),
        ),
      );
    },
    close: () => view.destroy(),
  };
}

/** From the place a problem is at to the end of its line; a line that is gone meanwhile is the last one. */
function diagnostic(state: EditorState, { line, column, message }: TemplateProblemAnswer): Diagnostic {
  const at = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
  const from = Math.min(at.from + Math.max(0, column - 1), at.to);
  return { from, to: Math.max(from, at.to), severity: 'error', message };
}

/** In the page's own colours, which are right in both schemes. */
const colours = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword],
    color: 'var(--booked)',
    fontWeight: '600',
  },
  { tag: [tags.variableName, tags.propertyName], color: 'var(--accent)' },
  { tag: [tags.string, tags.number, tags.bool], color: 'var(--held)' },
  { tag: [tags.function(tags.variableName), tags.operator], color: 'var(--booked)' },
  { tag: [tags.comment, tags.bracket, tags.processingInstruction], color: 'var(--muted)' },
]);

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px', borderRadius: '8px' },
  '.cm-scroller': { fontSize: '13px', lineHeight: '1.6' },
  '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': {
    color: 'var(--muted)',
    backgroundColor: 'var(--surface)',
    borderRight: '1px solid var(--line)',
  },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-tooltip': {
    color: 'var(--text)',
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line)',
  },
});
