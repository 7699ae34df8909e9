import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Api, problemText } from './api.ts';

export interface Loaded<T> {
  data: T | undefined;
  problem: string | undefined;
  /** Asks again; what is there stays until the answer comes. */
  reload: () => void;
}

/** Asks for what a page shows, again whenever the path changes; an answer to an older question is dropped. */
export function useAsked<T>(api: Api, path: string): Loaded<T> {
  const [answer, setAnswer] = useState<{ path: string; data?: T; problem?: string }>({ path });
  const [round, setRound] = useState(0);
  const whole = `${api.organization} ${path}`;
  // `round` asks the same question again.
  useEffect(() => {
    const stop = new AbortController();
    api.get<T>(path, stop.signal).then(
      (data) => setAnswer({ path: whole, data }),
      (error: unknown) => {
        if (!stop.signal.aborted) setAnswer({ path: whole, problem: problemText(error) });
      },
    );
    return () => stop.abort();
  }, [api, path, whole, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const current = answer.path === whole;
  return {
    data: current ? answer.data : undefined,
    problem: current ? answer.problem : undefined,
    reload,
  };
}

/** Does something once at a time and keeps what went wrong with it. */
export function useDoing(): {
  busy: boolean;
  problem: string | undefined;
  run: (work: () => Promise<void>) => Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const running = useRef(false);
  const run = useCallback(async (work: () => Promise<void>) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(problemText(error));
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, problem, run };
}

/** The time, once a second, for what is counted down. */
export function useSeconds(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
