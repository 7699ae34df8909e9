import { useEffect, useRef, useState } from 'preact/hooks';
import { defaultLanguage } from '#organization/organization.ts';
import type { TemplateAnswer, TryAnswer } from '../prompts-routes.ts';
import { problemText } from './api.ts';
import { useDoing } from './asking.ts';
import { CodeEditor } from './code-editor.tsx';
import { tryDraft } from './drafts.ts';
import type { PageProps } from './page.ts';
import { ProblemNote } from './pieces.tsx';
import { TemplateHistory, Variables } from './template-history.tsx';
import { Difference, Preview, type PreviewChoice, Problems } from './template-preview.tsx';

/** The text comes to rest before it is checked. */
const settleMs = 250;

interface Editing {
  page: PageProps;
  template: TemplateAnswer;
  /** Another version serves now. */
  onSaved: () => void;
}

/** One template: its text, what is wrong with it, how it sounds, and its versions. */
export function TemplateEditor({ page, template, onSaved }: Editing) {
  const { api, organization, mayEdit } = page;
  const before = template.own ?? template.shipped ?? '';
  const [text, setText] = useState(before);
  const [note, setNote] = useState('');
  const [wish, setWish] = useState<PreviewChoice>({
    at: '',
    step: 'greeting',
    language: defaultLanguage(organization),
  });
  const tried = useTried(page, template.name, text, wish);
  const doing = useDoing();
  const at = `/prompts/${encodeURIComponent(template.name)}`;
  const save = () =>
    void doing.run(async () => {
      await api.send('PUT', at, { text, note, basedOn: template.version });
      onSaved();
    });
  const rollBack = (toVersion: number) =>
    void doing.run(async () => {
      await api.send('POST', `${at}/rollback`, { toVersion, note });
      onSaved();
    });
  const fit = tried.answer !== undefined && tried.answer.problems.length === 0;
  const call = () => {
    tryDraft(organization.key, template.name, text);
    location.hash = '#/line';
  };
  return (
    <div class="template">
      <div class="template-text">
        <h2>{template.name}</h2>
        <CodeEditor
          label={`Text of ${template.name}`}
          text={text}
          readOnly={!mayEdit}
          problems={tried.answer?.problems ?? []}
          variables={template.variables}
          onText={setText}
        />
        <Problems problems={tried.answer?.problems ?? []} />
        <ProblemNote problem={doing.problem ?? tried.problem} />
        {mayEdit ? (
          <div class="actions">
            <input
              aria-label="Note"
              placeholder="Note: why"
              maxLength={500}
              value={note}
              onInput={(event) => setNote(event.currentTarget.value)}
            />
            <button
              type="button"
              class="primary"
              disabled={!fit || text === before || doing.busy}
              onClick={save}
            >
              Save
            </button>
            <button type="button" disabled={!fit} onClick={call}>
              Try it in a call
            </button>
            <button type="button" disabled={text === before} onClick={() => setText(before)}>
              Undo my changes
            </button>
          </div>
        ) : null}
        <Preview template={template} answer={tried.answer} wish={wish} onWish={setWish} page={page} />
      </div>
      <div class="template-side">
        <Variables variables={template.variables} />
        <Difference diff={tried.answer?.diff ?? ''} />
        <TemplateHistory template={template} mayEdit={mayEdit} busy={doing.busy} onRollBack={rollBack} />
      </div>
    </div>
  );
}

/** Asks the server about a text that came to rest; the check is its, the very one that saving makes. */
function useTried(
  { api }: PageProps,
  name: string,
  text: string,
  wish: PreviewChoice,
): { answer: TryAnswer | undefined; problem: string | undefined } {
  const [answer, setAnswer] = useState<TryAnswer>();
  const [problem, setProblem] = useState<string>();
  const newest = useRef(0);
  useEffect(() => {
    newest.current += 1;
    const mine = newest.current;
    const timer = setTimeout(() => {
      api.send<TryAnswer>('POST', `/prompts/${encodeURIComponent(name)}/try`, { text, ...wish }).then(
        (fresh) => {
          if (newest.current !== mine) return;
          setAnswer(fresh);
          setProblem(undefined);
        },
        (error: unknown) => {
          if (newest.current === mine) setProblem(problemText(error));
        },
      );
    }, settleMs);
    return () => clearTimeout(timer);
  }, [api, name, text, wish]);
  return { answer, problem };
}
