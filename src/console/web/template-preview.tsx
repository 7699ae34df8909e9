import type { TemplateAnswer, TemplateProblemAnswer, TryAnswer } from '../prompts-routes.ts';
import { stepWords } from './format.ts';
import type { PageProps } from './page.ts';
import { Chip } from './pieces.tsx';

/** What a preview imagines. */
export interface PreviewChoice {
  /** The clinic's clock; empty is now. */
  at: string;
  step: string;
  language: string;
}

/** What is wrong with a text, each with its line; read out when it changes. */
export function Problems({ problems }: { problems: TemplateProblemAnswer[] }) {
  return (
    <div role="status" class="problems">
      {problems.map((one) => (
        <p key={`${one.line} ${one.column} ${one.message}`} class="note note-bad">
          Line {one.line}: {one.message}
        </p>
      ))}
    </div>
  );
}

/** How it sounds, or what the model reads, with the part that a provider's cache can hold marked. */
export function Preview({
  template,
  answer,
  wish,
  onWish,
  page: { organization },
}: {
  template: TemplateAnswer;
  answer: TryAnswer | undefined;
  wish: PreviewChoice;
  onWish: (wish: PreviewChoice) => void;
  page: PageProps;
}) {
  const forModel = template.kind !== 'speech' && template.kind !== 'sms';
  return (
    <section class="card" aria-label="Preview">
      <h2>{forModel ? 'What the model reads' : 'How it sounds'}</h2>
      <div class="wish">
        <label>
          At
          <input
            type="datetime-local"
            value={wish.at}
            onInput={(event) => onWish({ ...wish, at: event.currentTarget.value })}
          />
        </label>
        {forModel ? (
          <>
            <label>
              Step
              <select
                value={wish.step}
                onChange={(event) => onWish({ ...wish, step: event.currentTarget.value })}
              >
                {Object.entries(stepWords).map(([step, words]) => (
                  <option key={step} value={step}>
                    {words}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Language
              <select
                value={wish.language}
                onChange={(event) => onWish({ ...wish, language: event.currentTarget.value })}
              >
                {organization.languages.map((language) => (
                  <option key={language} value={language}>
                    {language}
                  </option>
                ))}
              </select>
            </label>
          </>
        ) : null}
      </div>
      {answer?.rendered === null || answer === undefined ? (
        <p class="empty">{answer === undefined ? 'Looking …' : 'Nothing, until it is repaired.'}</p>
      ) : answer.prompt === null ? (
        <blockquote class="sounds">{answer.rendered}</blockquote>
      ) : (
        <AssembledPrompt prompt={answer.prompt} />
      )}
    </section>
  );
}

function AssembledPrompt({ prompt }: { prompt: NonNullable<TryAnswer['prompt']> }) {
  return (
    <>
      <p class="hint">
        About {prompt.cachedTokens} tokens stay the same on every turn, tools included: a provider’s cache
        holds them.
      </p>
      {prompt.parts.map((part, index) => (
        <div key={part.name} class={index === 0 ? 'prompt-part cached' : 'prompt-part'}>
          <div class="prompt-part-head">
            <code>{part.name}</code>
            <Chip tone={index === 0 ? 'good' : 'neutral'}>{index === 0 ? 'cached' : 'read anew'}</Chip>
            <span class="sub">about {part.tokens} tokens</span>
          </div>
          <pre>{part.text}</pre>
        </div>
      ))}
    </>
  );
}

/** What differs from the shipped text, line by line; a sign stands for the colour. */
export function Difference({ diff }: { diff: string }) {
  const lines = diff.split('\n').slice(3);
  return (
    <section class="card" aria-label="Difference to the shipped text">
      <h2>Difference to the shipped text</h2>
      {diff === '' ? (
        <p class="empty">None.</p>
      ) : (
        <pre class="diff">
          {lines.map((line, index) => (
            // Lines of a diff have no other name than their place.
            <span key={`${index} ${line}`} class={signs[line.charAt(0)] ?? ''}>
              {`${line}\n`}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

const signs: Record<string, string> = { '+': 'added', '-': 'removed', '@': 'place' };
