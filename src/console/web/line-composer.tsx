import type { TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LineCall } from './line-call.ts';
import { canHear, type Ears, listen } from './speech.ts';

/** What a newcomer may say; each is a turn of its own. */
const suggestions = [
  'I’d like an appointment next Tuesday after lunch.',
  'The first one, please.',
  'Yes please. This is Ann Miller.',
  'No, that’s all. Thank you, bye.',
];

/** Where the caller speaks: by the keyboard, or by the microphone where the browser can hear. */
export function LineComposer({
  call,
  language,
  onSay,
}: {
  call: LineCall;
  language: string;
  onSay: (words: string) => void;
}) {
  const [words, setWords] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const mouth = useMicrophone({ language, onSay, onInterim: setWords });
  const on = call.state === 'on';
  useEffect(() => {
    if (on) input.current?.focus();
    else mouth.stop();
  }, [on, mouth.stop]);
  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (words.trim() === '') return;
    onSay(words.trim());
    setWords('');
  };
  const next = suggestions[call.turns.filter((turn) => turn.said !== null).length];
  return (
    <form class="composer" onSubmit={submit}>
      {on && next !== undefined ? (
        <button type="button" class="suggestion" onClick={() => onSay(next)}>
          {next}
        </button>
      ) : null}
      <div class="composer-row">
        <input
          ref={input}
          aria-label="What you say"
          placeholder={on ? 'Say something …' : 'Call first'}
          value={words}
          disabled={!on}
          maxLength={1000}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        {canHear ? (
          <button
            type="button"
            aria-pressed={mouth.listening}
            class={mouth.listening ? 'mic listening' : 'mic'}
            disabled={!on}
            onClick={mouth.toggle}
          >
            {mouth.listening ? 'Listening' : 'Speak'}
          </button>
        ) : null}
        <button type="submit" class="primary" disabled={!on}>
          Say
        </button>
      </div>
      {mouth.problem === undefined ? null : <p class="note">{mouth.problem}</p>}
    </form>
  );
}

function useMicrophone(parts: {
  language: string;
  onSay: (words: string) => void;
  onInterim: (words: string) => void;
}) {
  const [listening, setListening] = useState(false);
  const [problem, setProblem] = useState<string>();
  const ears = useRef<Ears | undefined>(undefined);
  const latest = useRef(parts);
  latest.current = parts;
  const [{ stop, start }] = useState(() => ({
    stop: () => {
      ears.current?.stop();
      ears.current = undefined;
      setListening(false);
    },
    start: () => {
      setListening(true);
      setProblem(undefined);
      ears.current = listen(latest.current.language, {
        onWords(words, done) {
          latest.current.onInterim(done ? '' : words);
          if (done && words !== '') latest.current.onSay(words);
        },
        onEnd(reason) {
          if (reason !== undefined) setProblem(reason);
          setListening(false);
        },
      });
    },
  }));
  return { listening, problem, stop, toggle: () => (listening ? stop() : start()) };
}
