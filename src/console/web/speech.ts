/** What a browser may offer to hear with; Chrome calls it by its old name. */
interface Recognition extends EventTarget {
  lang: string;
  interimResults: boolean;
  continuous: boolean;
  start(): void;
  abort(): void;
  onresult: ((event: RecognitionEvent) => void) | null;
  onend: (() => void) | null;
  onerror: ((event: { error: string }) => void) | null;
}

interface RecognitionEvent {
  resultIndex: number;
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

type RecognitionMaker = new () => Recognition;

function recognitionMaker(): RecognitionMaker | undefined {
  const offered = globalThis as unknown as Record<string, RecognitionMaker | undefined>;
  return offered['SpeechRecognition'] ?? offered['webkitSpeechRecognition'];
}

export const canHear = recognitionMaker() !== undefined;
export const canSpeak = 'speechSynthesis' in globalThis;

export interface Ears {
  stop(): void;
}

/**
 * Listens until stopped, where the browser can.
 *
 * @param onWords a finished utterance, or what was understood of it so far
 * @param onEnd the browser stopped listening, and why if it says so
 */
export function listen(
  language: string,
  { onWords, onEnd }: { onWords: (words: string, done: boolean) => void; onEnd: (reason?: string) => void },
): Ears {
  const Maker = recognitionMaker();
  if (Maker === undefined) {
    onEnd('This browser does not recognise speech. Type instead.');
    return { stop() {} };
  }
  const recognition = new Maker();
  recognition.lang = language;
  recognition.interimResults = true;
  recognition.continuous = true;
  recognition.onresult = (event) => {
    for (let index = event.resultIndex; index < event.results.length; index += 1) {
      const result = event.results[index];
      if (result !== undefined) onWords(result[0]?.transcript.trim() ?? '', result.isFinal);
    }
  };
  recognition.onerror = ({ error }) =>
    onEnd(error === 'not-allowed' ? 'The microphone is not allowed. Type instead.' : undefined);
  recognition.onend = () => onEnd();
  recognition.start();
  return { stop: () => recognition.abort() };
}

/** Speaks sentences in order as they come, until told to be quiet. */
export function createVoice(language: () => string) {
  let rest = '';
  const utter = (text: string) => {
    if (text.trim() === '') return;
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = language();
    speechSynthesis.speak(utterance);
  };
  return {
    /** Words as they come; `done` speaks what is left. */
    add(text: string, done: boolean) {
      rest += text;
      const end = done ? rest.length : rest.search(/[.!?](\s|$)/) + 1;
      if (end <= 0) return;
      utter(rest.slice(0, end));
      rest = rest.slice(end);
    },
    quiet() {
      rest = '';
      speechSynthesis.cancel();
    },
  };
}
