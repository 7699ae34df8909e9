/**
 * Moves this process's `Date` by CLOCK_OFFSET_MS. Timers and `performance.now()` stay as they are, so time passes as
 * fast as ever. Loaded with --import into the processes that tests start, and by set-clock.ts into a test's own.
 */
export function moveDate(): void {
  const offsetMs = Number(process.env['CLOCK_OFFSET_MS'] ?? 0);
  const now = () => realNowMs() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name, target)),
    construct: (target, args: unknown[], asked) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, asked),
    apply: (target) => new target(now()).toString(),
  });
}

/** The real time, whatever `Date` shows. */
export function realNowMs(): number {
  return RealDate.now();
}

// `constructor` is not moved with `Date`: also a second copy of this module finds the one of the machine.
const RealDate = Date.prototype.constructor as DateConstructor;

if (process.env['CLOCK_OFFSET_MS'] !== undefined) moveDate();
