import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';

/** An event of the live feed, as the server masks it. */
export type Live = { type: string; call?: string } & Record<string, unknown>;

/** After a lost connection: at once, then ever less often. */
const againAfterMsMax = 15_000;

/**
 * Hears what happens at the organization for as long as the page is there. `onEvent` also gets `watching` whenever
 * listening began: what happened before has to be asked for.
 */
export function useLive(api: Api, onEvent: (event: Live) => void): { connected: boolean } {
  const [connected, setConnected] = useState(false);
  const latest = useRef(onEvent);
  latest.current = onEvent;
  useEffect(() => {
    const stop = new AbortController();
    void listen(api, stop.signal, (event) => {
      setConnected(event.type !== 'lost');
      latest.current(event);
    });
    return () => stop.abort();
  }, [api]);
  return { connected };
}

async function listen(api: Api, stop: AbortSignal, tell: (event: Live) => void): Promise<void> {
  for (let failures = 0; !stop.aborted; failures += 1) {
    try {
      for await (const event of api.events('GET', '/live', { signal: stop })) {
        failures = 0;
        tell(event);
      }
    } catch {
      // It is tried again below.
    }
    if (stop.aborted) return;
    tell({ type: 'lost' });
    await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** failures, againAfterMsMax)));
  }
}
