import type { LiveEvent } from '#telemetry/events.ts';

/** What is told of the live feed: an event, or that some were missed. */
export type FeedMessage = LiveEvent | { type: 'missed'; count: number };

/** One event as a line for a terminal. */
export function liveLine(told: FeedMessage): string {
  if (told.type === 'missed') {
    const count = told.count === 0 ? 'Some' : told.count;
    return `          (${count} events were missed)`;
  }
  const { organization = 'the installation' } = told;
  const call = 'call' in told ? `${shortCall(told.call)}  ` : '';
  return `${told.at.slice(11, 19)}  ${organization}  ${call}${words(told)}`;
}

function words(event: LiveEvent): string {
  switch (event.type) {
    case 'job-failed': {
      const { task, attempt, final, reason } = event;
      return `job ${task} failed, attempt ${attempt}${final ? ', given up' : ''}: ${reason}`;
    }
    case 'call-started':
      return `call from ${event.pii.caller ?? 'a withheld number'}`;
    case 'call-ended':
      return `call ended${event.reason === null ? '' : `: ${event.reason}`}`;
    case 'turn-finished': {
      const spans = Object.entries(event.spans).map(([name, ms]) => `${name} ${milliseconds(ms)}`);
      return `turn ${event.turn}${event.cut ? ', cut' : ''}: ${spans.join(', ')}`;
    }
    case 'tool-finished': {
      const outcome = event.success ? 'done' : (event.reason ?? 'failed');
      return `${event.tool}: ${outcome}, ${milliseconds(event.durationMs)}`;
    }
    case 'step-changed':
      return `${event.from ?? '·'} → ${event.to} (${event.cause})${event.slot === null ? '' : ` ${event.slot}`}`;
    case 'hold':
      if (event.hold === null) return 'holds nothing';
      return `holds ${event.hold.slot} with ${event.hold.practitioner} for ${clock(event.hold.endsInMs)}`;
    case 'hold-extended':
      return `hold extended, ${clock(event.endsInMs)} left`;
    case 'hold-warned':
      return `warned that the hold ends in ${clock(event.endsInMs)}`;
    case 'appointment-booked': {
      const { patientName, phone } = event.pii;
      return `booked ${event.slot} with ${event.practitioner} for ${[patientName, phone].filter(Boolean).join(', ')}`;
    }
  }
}

/** The holds of all calls that are on, with what is left of each. */
export class HoldBoard {
  readonly #holds = new Map<string, { label: string; endsAtMs: number }>();

  /** @param nowMs a clock that only runs forward */
  take(told: FeedMessage, nowMs: number): void {
    if (told.type === 'call-ended' || (told.type === 'hold' && told.hold === null)) {
      this.#holds.delete(told.call);
    } else if (told.type === 'hold' && told.hold !== null) {
      const label = `${shortCall(told.call)} ${told.hold.slot}`;
      this.#holds.set(told.call, { label, endsAtMs: nowMs + told.hold.endsInMs });
    } else if (told.type === 'hold-extended') {
      const hold = this.#holds.get(told.call);
      if (hold !== undefined) hold.endsAtMs = nowMs + told.endsInMs;
    }
  }

  /** One line, at most `width` characters; holds that have run out are gone. */
  line(nowMs: number, width: number): string {
    for (const [call, { endsAtMs }] of this.#holds) if (endsAtMs <= nowMs) this.#holds.delete(call);
    const holds = [...this.#holds.values()].toSorted((one, other) => one.endsAtMs - other.endsAtMs);
    if (holds.length === 0) return 'no holds';
    const each = holds.map(({ label, endsAtMs }) => `${label} ${clock(endsAtMs - nowMs)}`);
    const line = `holds: ${each.join(' · ')}`;
    return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
  }
}

function shortCall(call: string): string {
  return call.length > 12 ? `${call.slice(0, 4)}…${call.slice(-6)}` : call;
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
