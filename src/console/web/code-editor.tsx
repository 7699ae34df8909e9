import { useEffect, useRef, useState } from 'preact/hooks';
import type { TemplateAnswer, TemplateProblemAnswer } from '../prompts-routes.ts';
import type { LiquidEditor } from './liquid-editor.ts';

/** An editor that knows Liquid. It comes as a file of its own; until it is there, and where it fails, text is text. */
export function CodeEditor({
  label,
  text,
  readOnly,
  problems,
  variables,
  onText,
}: {
  label: string;
  text: string;
  readOnly: boolean;
  problems: TemplateProblemAnswer[];
  variables: TemplateAnswer['variables'];
  onText: (text: string) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<LiquidEditor | undefined>(undefined);
  const [plain, setPlain] = useState(true);
  const first = useRef({ text, label, readOnly, variables, onText });
  first.current.onText = onText;
  useEffect(() => {
    let gone = false;
    import('./liquid-editor.ts').then(
      ({ openLiquidEditor }) => {
        if (gone || place.current === null) return;
        const { text: begin, onText: _, ...rest } = first.current;
        editor.current = openLiquidEditor(place.current, {
          ...rest,
          text: begin,
          onText: (changed) => {
            first.current.text = changed;
            first.current.onText(changed);
          },
        });
        setPlain(false);
      },
      () => {},
    );
    return () => {
      gone = true;
      editor.current?.close();
    };
  }, []);
  useEffect(() => {
    first.current.text = text;
    editor.current?.show(text);
  }, [text]);
  useEffect(() => editor.current?.mark(problems), [problems]);
  return (
    <>
      <div ref={place} class={plain ? 'unseen' : 'code'} />
      {plain ? (
        <textarea
          class="code"
          aria-label={label}
          readOnly={readOnly}
          value={text}
          rows={8}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      ) : null}
    </>
  );
}
