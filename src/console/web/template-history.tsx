import type { TemplateAnswer } from '../prompts-routes.ts';
import { dateAndClock } from './format.ts';

/** What the text may use, each with its value at this moment. */
export function Variables({ variables }: { variables: TemplateAnswer['variables'] }) {
  return (
    <section class="card" aria-label="Variables">
      <h2>What it may use</h2>
      <dl class="variables">
        {variables.map((one) => (
          <div key={one.name}>
            <dt>
              <code>{`{{ ${one.name} }}`}</code> {one.meaning}
              {one.optional ? '; may be absent' : ''}
            </dt>
            <dd>
              <span class="label">{one.present ? 'now' : 'e.g.'}</span> {one.value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The versions there were, the newest first; each can be had back. */
export function TemplateHistory({
  template,
  mayEdit,
  busy,
  onRollBack,
}: {
  template: TemplateAnswer;
  mayEdit: boolean;
  busy: boolean;
  onRollBack: (toVersion: number) => void;
}) {
  const { history, version } = template;
  return (
    <section class="card" aria-label="Versions">
      <h2>Versions</h2>
      <ol class="versions">
        {history.map((one) => (
          <li key={one.version}>
            <span>
              <strong>
                {one.version}
                {one.text === null ? ', back to shipped' : ''}
              </strong>{' '}
              {one.author}
              <span class="sub">
                {dateAndClock(one.createdAt, 'UTC')} UTC{one.note === '' ? '' : `: ${one.note}`}
              </span>
            </span>
            {one.version === version ? (
              <span class="sub">is used</span>
            ) : mayEdit ? (
              <button type="button" disabled={busy} onClick={() => onRollBack(one.version)}>
                Use version {one.version}
              </button>
            ) : null}
          </li>
        ))}
        <li>
          <span>
            <strong>Shipped</strong>
          </span>
          {template.own === null ? (
            <span class="sub">is used</span>
          ) : mayEdit && template.shipped !== null ? (
            <button type="button" disabled={busy} onClick={() => onRollBack(0)}>
              Use the shipped text
            </button>
          ) : null}
        </li>
      </ol>
    </section>
  );
}
