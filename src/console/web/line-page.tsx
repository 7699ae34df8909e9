import { useEffect, useRef, useState } from 'preact/hooks';
import { defaultLanguage } from '#organization/organization.ts';
import { takeDrafts } from './drafts.ts';
import { type LineCall, useLineCall } from './line-call.ts';
import { LineComposer } from './line-composer.tsx';
import type { PageProps } from './page.ts';
import { PageHead, ProblemNote } from './pieces.tsx';
import { canSpeak, createVoice } from './speech.ts';
import { UnderneathPanel } from './underneath.tsx';

/** A number nobody has, in the form the ledger takes. */
const usualCaller = '+12125550142';

/** A call in the browser, and beside it what happens underneath. */
export function LinePage({ api, organization, mayEdit }: PageProps) {
  const [aloud, setAloud] = useState(false);
  const [drafts] = useState(() => takeDrafts(organization.key));
  const language = defaultLanguage(organization);
  const voice = useRef(canSpeak ? createVoice(() => language) : undefined);
  const call = useLineCall(api, {
    drafts,
    onHeard: (text, done) => {
      if (aloud) voice.current?.add(text, done);
    },
  });
  useEffect(() => () => voice.current?.quiet(), []);
  const say = (words: string) => {
    voice.current?.quiet();
    void call.say(words);
  };
  const changed = Object.keys(drafts);

  return (
    <>
      <PageHead title="Try the line">
        {canSpeak ? (
          <label class="switch">
            <input
              type="checkbox"
              checked={aloud}
              onChange={(event) => setAloud(event.currentTarget.checked)}
            />
            Speak aloud
          </label>
        ) : null}
      </PageHead>
      {mayEdit ? null : <p class="note">This key may only see. Sign in with one that may edit to call.</p>}
      {changed.length === 0 ? null : (
        <p class="note">This call uses your unsaved text of {changed.join(', ')}; no other call does.</p>
      )}
      <div class="line">
        <section class="phone" aria-label="The call">
          <CallHead call={call} name={organization.name} mayEdit={mayEdit} />
          <Transcript call={call} />
          <ProblemNote problem={call.problem} />
          <LineComposer call={call} language={language} onSay={say} />
        </section>
        <UnderneathPanel call={call} clinic={organization} />
      </div>
    </>
  );
}

function CallHead({ call, name, mayEdit }: { call: LineCall; name: string; mayEdit: boolean }) {
  const [caller, setCaller] = useState(usualCaller);
  if (call.state === 'on') {
    return (
      <div class="call-head">
        <span>
          <span class="pulse" aria-hidden="true" /> On the line with {name}
        </span>
        <button type="button" class="danger" onClick={() => void call.hangUp()}>
          Hang up
        </button>
      </div>
    );
  }
  return (
    <form
      class="call-head"
      onSubmit={(event) => {
        event.preventDefault();
        void call.start(caller.trim() === '' ? null : caller.replace(/[^+\d]/g, ''));
      }}
    >
      <label>
        Calling from
        <input
          type="tel"
          value={caller}
          placeholder="withheld"
          onInput={(event) => setCaller(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={!mayEdit}>
        {call.state === 'over' ? 'Call again' : 'Call'}
      </button>
    </form>
  );
}

function Transcript({ call }: { call: LineCall }) {
  const end = useRef<HTMLDivElement>(null);
  // Every new word scrolls to the end.
  useEffect(() => {
    const log = end.current?.parentElement;
    if (log) log.scrollTop = log.scrollHeight;
  }, [call.turns]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be within the keyboard's reach.
    <div class="transcript" role="log" aria-label="What is said" tabIndex={0}>
      {call.turns.length === 0 ? (
        <p class="empty">
          Press Call and talk to the receptionist: ask for a time, pick one, give a name. It is a real turn by
          the same door as a telephone call, and what you book is in the ledger.
        </p>
      ) : null}
      {call.turns.map((turn) => (
        <div key={turn.key}>
          {turn.said === null ? null : (
            <p class="bubble said">
              <span class="unseen">You: </span>
              {turn.said}
            </p>
          )}
          {turn.heard === '' && turn.state !== 'running' ? null : (
            <p class={`bubble heard ${turn.state}`}>
              <span class="unseen">Receptionist: </span>
              {turn.heard === '' ? '…' : turn.heard}
              {turn.state === 'cut' ? <span class="cut"> (cut off)</span> : null}
            </p>
          )}
        </div>
      ))}
      {call.state === 'over' ? <p class="call-over">The call is over.</p> : null}
      <div ref={end} />
    </div>
  );
}
