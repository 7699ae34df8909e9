// Loaded with --import into one of the servers: its clock goes ten minutes fast. Nothing about a hold may notice,
// because holds live by the database's clock.
const skewMs = 10 * 60_000;
const now = Date.now.bind(Date);
Date.now = () => now() + skewMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: ConstructorParameters<typeof Date> | []) =>
    args.length === 0 ? new target(now() + skewMs) : new target(...args),
});
